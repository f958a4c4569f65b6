type Payload = { issues: { code: string; details: { text: string | null } | null }[] };

/** What the caller can put right is data; everything else is an error. */
export function Issues({ of, error }: { of?: Payload | null; error?: Error }) {
  return (
    <>
      {error && <em role="alert">{error.message}</em>}
      {of?.issues.map(({ code, details }) => (
        <em key={code} data-code={code}>
          {details?.text ?? code}
        </em>
      ))}
    </>
  );
}
