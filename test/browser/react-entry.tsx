import {
  Component,
  memo,
  type ReactNode,
  StrictMode,
  startTransition,
  useDeferredValue,
  useState,
} from "react";
import { flushSync } from "react-dom";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { connect, type Progress } from "../../src/client/index.ts";
import { type HubMessage, parseMessage } from "../../src/client/messages.ts";
import {
  ProgressProvider,
  useConnection,
  useJob,
  usePhoto,
  usePhotoIds,
} from "../../src/client/react/index.ts";

/** What is on the page. */
export interface View {
  /** Heads, each with the job as it is. */
  readonly jobs?: readonly string[];
  /** Rows by the photo's id alone. */
  readonly photos?: readonly string[];
  /** Rows by ids of a job and of its photo. */
  readonly photosOf?: readonly (readonly [jobId: string, photoId: string])[];
  /** Lists of all photos of a job. */
  readonly lists?: readonly string[];
  readonly hasConnection?: boolean;
}

export interface SceneOptions {
  readonly url: string;
  readonly isStrict?: boolean;
}

/** Rendered how often, by what: `head j`, `row p`, `row j p`, `list j`, `connection`. */
const renders = new Map<string, number>();
/** For so long each row is rendered: for a render that takes many turns of the event loop. */
let rowMs = 0;

function rendered(what: string): void {
  renders.set(what, (renders.get(what) ?? 0) + 1);
}

function Head({ jobId }: { readonly jobId: string }): ReactNode {
  const job = useJob(jobId);
  rendered(`head ${jobId}`);
  return <h2 data-job={jobId}>{job === null ? "nothing" : `${job.status} ${job.progress}`}</h2>;
}

const Row = memo(function Row({ jobId, photoId }: { readonly jobId?: string; readonly photoId: string }) {
  const photo = usePhoto(photoId, jobId);
  rendered(jobId === undefined ? `row ${photoId}` : `row ${jobId} ${photoId}`);
  const endMs = performance.now() + rowMs;
  while (performance.now() < endMs);
  return (
    <li data-photo={photoId} data-in={jobId}>
      {photo === null ? "nothing" : String(photo.progress)}
    </li>
  );
});

function List({ jobId }: { readonly jobId: string }): ReactNode {
  const photoIds = usePhotoIds(jobId);
  rendered(`list ${jobId}`);
  return (
    <ul data-list={jobId}>
      {photoIds.map((photoId) => (
        <Row key={photoId} jobId={jobId} photoId={photoId} />
      ))}
    </ul>
  );
}

function Connection(): ReactNode {
  const { phase, transport } = useConnection();
  rendered("connection");
  return <p data-connection="">{`${phase} ${transport}`}</p>;
}

function Everything({ jobs = [], photos = [], photosOf = [], lists = [], hasConnection }: View): ReactNode {
  return (
    <>
      {hasConnection === true && <Connection />}
      {/* No keys by id: a row whose photo changes is the same row with other props. */}
      {jobs.map((jobId, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        <Head key={at} jobId={jobId} />
      ))}
      {photos.map((photoId, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        <Row key={at} photoId={photoId} />
      ))}
      {photosOf.map(([jobId, photoId]) => (
        <Row key={`${jobId} ${photoId}`} jobId={jobId} photoId={photoId} />
      ))}
      {lists.map((jobId) => (
        <List key={jobId} jobId={jobId} />
      ))}
    </>
  );
}

const TWINS = 16;

/** Sets the turn; each is twins anew, and may be rendered a little at a time. */
let turnTo: (turn: number) => void = () => undefined;

function Turning({ photoId }: { readonly photoId: string }): ReactNode {
  const [turn, setTurn] = useState(0);
  turnTo = setTurn;
  const late = useDeferredValue(turn);
  return (
    <>
      <Twin turn={turn} photoId={photoId} />
      {Array.from({ length: TWINS }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
        <Twin key={at} turn={late} photoId={photoId} />
      ))}
      {turn % 2 === 1 && <Twin turn={turn} photoId={photoId} />}
      <Twin turn={0} photoId={photoId} />
    </>
  );
}

const Twin = memo(function Twin({ turn, photoId }: { readonly turn: number; readonly photoId: string }) {
  const photo = usePhoto(photoId);
  rendered("twin");
  const endMs = performance.now() + rowMs;
  while (performance.now() < endMs);
  return (
    <i data-twin={turn} data-progress={photo?.progress}>
      {photo?.progress}
    </i>
  );
});

class Boundary extends Component<{ readonly children: ReactNode }, { readonly message: string | null }> {
  override readonly state = { message: null };

  static getDerivedStateFromError(error: unknown) {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    return this.state.message ?? this.props.children;
  }
}

/** Subscriptions that were not ended yet, of everything there is to subscribe to. */
function countSubscriptions(progress: Progress): () => number {
  const open = new Set<object>();
  const counted = <Args extends readonly unknown[]>(subscribe: (...args: Args) => () => void) => {
    return (...args: Args): (() => void) => {
      const stop = subscribe(...args);
      const one = {};
      open.add(one);
      return () => {
        open.delete(one);
        stop();
      };
    };
  };
  const { store } = progress;
  store.onJobs = counted(store.onJobs.bind(store));
  store.onJob = counted(store.onJob.bind(store));
  store.onPhoto = counted(store.onPhoto.bind(store));
  store.onPhotoById = counted(store.onPhotoById.bind(store));
  progress.onState = counted(progress.onState.bind(progress));
  return () => open.size;
}

const container = (): HTMLElement => {
  const root = document.getElementById("root");
  if (root === null) throw new Error("the page has no root");
  return root;
};

/** Two frames: all that was to be rendered is, and what is put off to the next frame, too. */
function frames(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
  });
}

/** React, the hooks and a connection, with the tests' hands on them. */
export class Scene {
  readonly #progress: Progress;
  readonly #options: SceneOptions;
  readonly #errors: string[] = [];
  #root: Root | null = null;
  readonly subscriptions: () => number;

  constructor(options: SceneOptions) {
    this.#options = options;
    this.#progress = connect({
      url: options.url,
      token: () => "token",
      transports: ["websocket"],
      times: { minRetryMs: 100, maxRetryMs: 100 },
    });
    this.subscriptions = countSubscriptions(this.#progress);
  }

  isLive(): boolean {
    return this.#progress.state.phase === "live";
  }

  async show(view: View): Promise<void> {
    this.#root ??= createRoot(container());
    this.#root.render(this.#treeOf(view));
    await frames();
  }

  #treeOf(view: View): ReactNode {
    const tree = (
      <ProgressProvider progress={this.#progress}>
        <Everything {...view} />
      </ProgressProvider>
    );
    return this.#options.isStrict === true ? <StrictMode>{tree}</StrictMode> : tree;
  }

  /** Messages at once, and what the store tells of them in its own time. */
  async apply(messages: readonly object[]): Promise<void> {
    for (const message of messages) this.#progress.store.apply(read(message));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await frames();
  }

  /** What the rows show when more of them come between a change and the store's telling of it. */
  applyThenShow(messages: readonly object[], view: View): readonly string[] {
    for (const message of messages) this.#progress.store.apply(read(message));
    flushSync(() => this.#root?.render(this.#treeOf(view)));
    return this.texts();
  }

  /** What the rows show. */
  texts(): readonly string[] {
    return [...document.querySelectorAll("[data-photo]")].map((row) => row.textContent ?? "");
  }

  /** The same, as what comes when a connection begins. */
  async replay(messages: readonly object[]): Promise<void> {
    this.#progress.store.opened();
    await this.apply(messages);
  }

  /** Since it was last asked. */
  renders(): Record<string, number> {
    const counted = Object.fromEntries(renders);
    renders.clear();
    return counted;
  }

  async unmount(): Promise<void> {
    this.#root?.unmount();
    this.#root = null;
    await frames();
  }

  close(): void {
    this.#root?.unmount();
    this.#progress.close();
  }

  async withoutProvider(): Promise<string> {
    const root = createRoot(container(), { onCaughtError: () => undefined });
    root.render(
      <Boundary>
        <Everything photos={["p"]} />
      </Boundary>,
    );
    await frames();
    const text = container().textContent ?? "";
    root.unmount();
    return text;
  }

  html(view: View): string {
    return renderToString(this.#treeOf(view));
  }

  /** What React found to differ from the server's. */
  async hydrate(view: View, html: string): Promise<readonly string[]> {
    container().innerHTML = html;
    this.#root = hydrateRoot(container(), this.#treeOf(view), {
      onRecoverableError: (error) => this.#errors.push(String(error)),
    });
    await frames();
    return this.#errors;
  }

  /** Twins of a photo are rendered a little at a time, again and again, while messages of it come. */
  async turn(photoId: string, turns: number, messages: readonly object[]): Promise<Torn> {
    const torn: string[] = [];
    let commits = 0;
    let interrupted = 0;
    const look = new MutationObserver(() => {
      commits += 1;
      const shown = [...document.querySelectorAll("[data-twin]")].map((twin) => twin.textContent ?? "");
      if (new Set(shown).size > 1) torn.push(shown.join(" "));
    });
    look.observe(container(), { subtree: true, childList: true, characterData: true, attributes: true });
    this.#root ??= createRoot(container());
    this.#root.render(
      <ProgressProvider progress={this.#progress}>
        <Turning photoId={photoId} />
      </ProgressProvider>,
    );
    await frames();
    rowMs = 1;
    const pending = [...messages];
    for (let turn = 1; turn <= turns; turn += 1) {
      if (turn % 3 === 0) turnTo(turn);
      else startTransition(() => turnTo(turn));
      const last = `[data-twin="${turn}"]`;
      const deadlineMs = performance.now() + 500;
      while (document.querySelectorAll(last).length <= TWINS && performance.now() < deadlineMs) {
        const before = renders.get("twin") ?? 0;
        await new Promise((resolve) => setTimeout(resolve, 7));
        const message = pending.shift();
        if (message === undefined) continue;
        if ((renders.get("twin") ?? 0) > before) interrupted += 1;
        this.#progress.store.apply(read(message));
      }
    }
    rowMs = 0;
    await frames();
    look.disconnect();
    return { torn, commits, interrupted, left: pending.length };
  }
}

export interface Torn {
  /** What twins showed where they did not show the same. */
  readonly torn: readonly string[];
  readonly commits: number;
  /** Messages that came in the midst of a render. */
  readonly interrupted: number;
  readonly left: number;
}

function read(message: object): HubMessage {
  const parsed = parseMessage(JSON.stringify(message));
  if (parsed === null) throw new Error(`no message: ${JSON.stringify(message)}`);
  return parsed;
}

declare global {
  interface Window {
    newScene(options: SceneOptions): Scene;
  }
}

window.newScene = (options) => new Scene(options);
