import { type FormEvent, type ReactElement, type ReactNode, useId } from "react";

export interface SignInProps {
  readonly what: string;
  /** How one comes by such a token. */
  readonly hint: ReactNode;
  /** Why the last one is no good; null: there was none. */
  readonly problem: string | null;
  readonly onToken: (token: string) => void;
}

/** Asks for a token; nothing of it leaves the page but to the hub. */
export function SignIn({ what, hint, problem, onToken }: SignInProps): ReactElement {
  const id = useId();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const token = new FormData(event.currentTarget).get("token");
    if (typeof token === "string" && token.trim() !== "") onToken(token.trim());
  };
  return (
    <form className="card sign-in" onSubmit={submit} aria-labelledby={id}>
      <h1 id={id}>Sign in</h1>
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <label>
        {what}
        <input name="token" type="password" autoComplete="off" spellCheck={false} required />
      </label>
      <p className="muted">{hint}</p>
      <button type="submit" className="primary">
        Sign in
      </button>
    </form>
  );
}
