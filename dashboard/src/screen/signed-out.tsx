// Plain words for a browser that has no session: the page holds nothing to sign in with.

export function SignedOutScreen() {
  return (
    <div className="empty">
      <h1>You are not signed in</h1>
      <p>This browser has no session. In the terminal where Sluice runs, type</p>
      <p>
        <code>sluice open</code>
      </p>
      <p>and follow the link. It holds a code that works once.</p>
    </div>
  );
}
