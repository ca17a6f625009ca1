// Nothing to look at yet, and the command that changes it.

export function Empty({ so, type }: { so: string; type?: string }) {
  return (
    <div className="empty">
      <p>{so}</p>
      {type !== undefined && (
        <p>
          <code>{type}</code>
        </p>
      )}
    </div>
  );
}
