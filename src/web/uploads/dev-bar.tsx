import { type ReactElement, useState } from "react";

const KINDS = [
  ["few", "8 photos"],
  ["phone", "40 on 4G"],
  ["tunnel", "On a train"],
  ["trouble", "Many failures"],
  ["thousands", "2,000 photos"],
] as const;

/** Starts simulated uploads of the user in a hub with `--dev`. */
export function DevBar({ token }: { readonly token: () => Promise<string> }): ReactElement {
  const [problem, setProblem] = useState<string | null>(null);
  const start = async (kind: string): Promise<void> => {
    try {
      const response = await fetch("/dev/uploads", {
        method: "POST",
        headers: { authorization: `Bearer ${await token()}`, "content-type": "application/json" },
        body: JSON.stringify({ kind }),
      });
      setProblem(response.ok ? null : `The hub answered ${response.status}.`);
    } catch {
      setProblem("The hub can't be reached.");
    }
  };
  return (
    <section className="dev" aria-label="Simulated uploads">
      <span className="muted">Simulate an upload</span>
      {KINDS.map(([kind, label]) => (
        <button key={kind} type="button" onClick={() => void start(kind)}>
          {label}
        </button>
      ))}
      {problem !== null && (
        <span className="problem" role="alert">
          {problem}
        </span>
      )}
    </section>
  );
}
