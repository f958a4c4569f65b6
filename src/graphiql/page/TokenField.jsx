// One bearer token for all operations, shown in two places: this field and GraphiQL's headers
// editor. What the headers editor shows is what is sent.
import { useEditorContext } from '@graphiql/react';
import { useEffect, useRef, useState } from 'react';
import { loadToken, saveToken, tokenIn, withToken } from './token.js';

export function TokenField() {
  const { headerEditor } = useEditorContext({ nonNull: true });
  const [token, setToken] = useState(loadToken);
  useTokenInEditor(headerEditor, token, setToken);

  return (
    <label>
      Bearer token
      <input
        type="password"
        autoComplete="off"
        spellCheck={false}
        placeholder="none"
        value={token}
        onChange={(event) => setToken(event.target.value.trim())}
      />
    </label>
  );
}

function useTokenInEditor(editor, token, setToken) {
  const latest = useRef(token);

  useEffect(() => {
    latest.current = token;
    saveToken(token);
    if (editor) showToken(editor, token);
  }, [editor, token]);

  useEffect(() => {
    // GraphiQL fills the editor anew ('setValue') when a tab or a piece of history is opened: the
    // token of today belongs there. Everything else is a person typing.
    const onChange = (_, { origin }) => {
      if (origin === 'setValue') showToken(editor, latest.current);
      else setToken((before) => tokenIn(editor.getValue()) ?? before);
    };
    editor?.on('change', onChange);
    return () => editor?.off('change', onChange);
  }, [editor, setToken]);
}

function showToken(editor, token) {
  const before = editor.getValue();
  const after = withToken(before, token);
  if (after !== before) editor.setValue(after);
}
