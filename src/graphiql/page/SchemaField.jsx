// Which of the gateway's interfaces the page shows; nothing where there is only one.
import { INTERFACES, show, shown } from './interfaces.js';

export function SchemaField() {
  if (INTERFACES.length < 2) return null;
  return (
    <label className="schema">
      Schema
      <select value={shown.name} onChange={(event) => show(event.target.value)}>
        {INTERFACES.map(({ name, title }) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}
