import { type ErrorCode, errorCatalogue } from "../../errors.ts";
import type { CounterName } from "../../metrics/increases.ts";
import type { Scrape } from "../../metrics/parse.ts";
import { seriesOf } from "./reading.ts";

type Labels = Readonly<Record<string, string>>;

/** Something that should not happen, and how often it has. */
export interface Fault {
  readonly key: string;
  readonly what: string;
  /** The code, kind or reason beside it; empty: there is none. */
  readonly which: string;
  readonly hint: string;
  /** Since the process began that counts it. */
  readonly total: number;
}

interface Counted {
  readonly name: CounterName;
  readonly what: string;
  /** null: this series tells of no fault. */
  which(labels: Labels): string | null;
  hint(labels: Labels): string;
  /** How many of so many are faults; absent: all. */
  faults?(value: number): number;
}

const FINE: readonly string[] = ["accepted", "unchanged", "ok"];

/** Where the catalogue speaks to clients, and an operator can do more. */
const FOR_OPERATORS: Readonly<Partial<Record<ErrorCode, string>>> = {
  invalid_field: "The answer to the backend names the event, the field and its rule.",
  overloaded: "Add gateways, allow more open files, or raise --max-connections or --max-open-photos.",
  draining: "Nothing: the clients come back by themselves.",
  not_linked: "The core is being restarted; if it lasts, look into the log.",
  unauthorized: "Check the secret that the backend sends.",
  token_expired: "Nothing, unless there are many: then clients don't fetch fresh tokens, or clocks differ.",
  token_invalid:
    "Check the keys (--jwt-secret, --jwt-public-key), issuer and audience against who signs the tokens.",
  replaced: "Nothing, or raise --max-connections-per-user.",
  connect_timeout:
    "Nothing, unless there are many: then clients connect without a token, or the network is bad.",
};

const COUNTED: readonly Counted[] = [
  {
    name: "events_total",
    what: "Event rejected",
    which: ({ type = "", result = "" }) => (FINE.includes(result) ? null : `${result} · ${type}`),
    hint: ({ result }) => hintOf(result),
  },
  {
    name: "handshakes_total",
    what: "Client refused",
    which: ({ result = "" }) => (FINE.includes(result) ? null : result),
    hint: ({ result }) => hintOf(result),
  },
  {
    name: "restarts_total",
    what: "Process restarted",
    which: ({ kind = "" }) => kind,
    hint: () =>
      "It died or hung, and was replaced: the log says why. Kills by the system mean too little memory.",
  },
  {
    name: "slow_closes_total",
    what: "Slow client closed",
    which: () => "too_slow",
    hint: () => "It comes back and resumes. Many: look at their networks, or raise --slow-timeout.",
  },
  {
    name: "links_made_total",
    what: "Link to the core broken",
    which: ({ gateway = "" }) => gateway,
    hint: () => "The gateway linked again and read what it missed. Often: look into the log of the core.",
    faults: (links) => Math.max(0, links - 1),
  },
  {
    name: "link_messages_missed_total",
    what: "Messages left out of a link",
    which: ({ gateway = "" }) => gateway,
    hint: () => "Clients got them later: the gateway was too busy. Add gateways, or look at its CPU.",
  },
  {
    name: "event_anomalies_total",
    what: "More bytes told than there are",
    which: () => "",
    hint: () => "Percent stays below 100. Check what the backend sends as bytesTransferred and totalBytes.",
  },
  {
    name: "redis_stream_dead_letters_total",
    what: "Dead letter in the Redis Stream",
    which: ({ code = "" }) => code,
    hint: ({ code }) => `Look at <stream>:dead. ${hintOf(code)}`,
  },
  {
    name: "handovers_dropped_total",
    what: "Connection dropped unserved",
    which: ({ listener = "" }) => `${listener} listener`,
    hint: () => "No process took it in time: add gateways, or look at why they are busy or gone.",
  },
  {
    name: "passed_on_failures_total",
    what: "Long-polling request not passed on",
    which: ({ reason = "" }) => reason,
    hint: () => "The gateway of its session was gone; the client begins a new one.",
  },
];

/** All that the hub counts of what should not happen, without what never has. Series of one fault are summed. */
export function faultsIn(metrics: Scrape): readonly Fault[] {
  const found = new Map<string, Fault>();
  for (const { name, what, which: whichOf, hint, faults = (value: number) => value } of COUNTED) {
    for (const { labels, value } of seriesOf(metrics, name)) {
      const which = whichOf(labels);
      if (which === null) continue;
      const key = `${name} ${which}`;
      const total = faults(value) + (found.get(key)?.total ?? 0);
      if (total > 0) found.set(key, { key, what, which, hint: hint(labels), total });
    }
  }
  return [...found.values()];
}

function hintOf(code = ""): string {
  if (!isErrorCode(code)) return "Look into the log.";
  return FOR_OPERATORS[code] ?? errorCatalogue[code].hint;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
