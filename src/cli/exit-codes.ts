/** What the process ends with; the same for every command. */
export const exitCode = {
  /** The command did what it was asked, or was stopped by the user. */
  done: 0,
  /** It could not: a gate or the oracle failed, a port is in use, a token was refused. */
  failed: 1,
  /** Wrong usage or configuration; nothing was begun. */
  usage: 2,
  /** A benchmark whose result says nothing either way. */
  inconclusive: 3,
  /** The target can't be reached, which is tested before anything else is asked for, or it died meanwhile. */
  unreachable: 4,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** Ends a command with a code and one line on stderr: what is wrong, then what to do. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly exitCode: ExitCode;

  constructor(code: ExitCode, message: string) {
    super(message);
    this.exitCode = code;
  }
}
