/** Seconds; from what a hub at rest needs to what nobody would call live. */
export const AGE_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
] as const;
/** Seconds. */
export const GC_BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1] as const;

interface Metric {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of the buckets; of histograms only. */
  readonly bounds?: readonly number[];
  /** How the same series of several processes become one; absent: summed. */
  readonly combine?: "first";
}

/** Before every name on `/metrics`. */
export const PREFIX = "progress_hub_";

/** Every metric there is, by its name without the prefix, in the order in which `/metrics` tells them. */
const metricTable = {
  build_info: {
    ...gauge("1 in every hub; which version it is, on which Node.js.", ["version", "node"]),
    combine: "first",
  },

  connections: gauge("Connections open now; under polling, polls that wait.", ["transport"]),
  handshakes_total: counter(
    "Clients that wanted in: result is ok or the code of the refusal. A poll is one each time.",
    ["transport", "result"],
  ),
  messages_written_total: counter("Messages of photos and jobs written to clients.", ["transport"]),
  resumes_total: counter(
    "Times a client was told that it has everything (synced): resumed, or snapshot, where it began anew.",
    ["mode"],
  ),
  slow_holds_total: counter("Times a connection was held because it read too slowly.", []),
  slow_held: gauge("Connections held now.", []),
  slow_closes_total: counter("Connections closed because they read too slowly for too long (4408).", []),
  buffered_bytes: gauge("Bytes written to clients that the kernel has not taken.", []),

  events_total: counter(
    "Events taken in, by source (cloudevents, tusd or redis-stream), CloudEvents type (unknown where it is none of ours) and result: accepted, unchanged, or the code of the rejection.",
    ["source", "type", "result"],
  ),
  redis_publications_total: counter(
    "Publications that came from Redis: messages of users who are connected to this machine, whoever committed them.",
    [],
  ),
  redis_stream_behind: gauge(
    "Entries of the Redis Stream that the hubs have not read; absent: Redis is away, or can't tell. The same in each hub: don't sum it.",
    [],
  ),
  redis_stream_pending: gauge(
    "Entries of the Redis Stream that a hub has read and not acknowledged. The same in each hub: don't sum it.",
    [],
  ),
  redis_stream_dead_letters_total: counter(
    "Entries of the Redis Stream that were moved to its dead letters, by code.",
    ["code"],
  ),
  event_anomalies_total: counter("Events that told of more bytes than there are.", []),
  messages_shown_total: counter("Messages made of new states, each once, however many clients get it.", [
    "type",
  ]),
  messages_conflated_total: counter("States that a newer one replaced before they were shown.", []),
  event_age_seconds: {
    ...histogram(
      "Age of an event: merged, from its arrival until it is merged and answered; routed and written, of the newest event in a message, from its merge until the message goes to the router, and to a client.",
      ["stage"],
    ),
    bounds: AGE_BOUNDS,
  },
  jobs: gauge(
    "Jobs kept, ended ones too; with redis: those in the memory of this machine, as of photos and users.",
    [],
  ),
  open_photos: gauge("Photos that have not ended.", []),
  users: gauge("Users of whom anything is kept.", []),
  queue_entries: gauge("States held back and deadlines waiting.", []),

  gateways_wanted: gauge("Gateway processes there should be.", []),
  gateways_linked: gauge("Gateway processes linked to the core.", []),
  link_messages_total: counter("Messages the core sent over the link.", ["gateway"]),
  link_messages_missed_total: counter(
    "Messages left out since too much waited for the gateway, which then reads what it missed.",
    ["gateway"],
  ),
  link_queued_bytes: gauge("Bytes that wait for the link, on the core's side and on the gateway's.", [
    "gateway",
    "side",
  ]),
  link_users: gauge("Users whose messages the gateway wants.", ["gateway"]),
  links_made_total: counter("Links a gateway made; more than one: the link broke, or the core did.", [
    "gateway",
  ]),
  core_requests_waiting: gauge("Requests of a gateway that the core has not answered.", ["gateway"]),

  passed_on_total: counter(
    "Requests and upgrades passed on to the gateway that has their Socket.IO session.",
    ["kind"],
  ),
  passed_on: gauge("Of those, under way now.", ["kind"]),
  passed_on_failures_total: counter("Of those, the gateway was gone, or failed to answer.", ["reason"]),
  passed_on_buffered_bytes: gauge("Bytes of passed-on upgrades that clients have not taken.", []),

  restarts_total: counter("Processes started in the place of one that died or hung, by its kind.", ["kind"]),
  handovers_total: counter("Connections handed to a process, by listener.", ["listener"]),
  handovers_waiting: gauge("Connections accepted that no process could take yet.", ["listener"]),
  handovers_dropped_total: counter("Connections dropped, since no process took them in time.", ["listener"]),

  process_up: gauge("1: the process gave its figures. 0: it did not answer in time; they are left out.", [
    "process",
  ]),
  process_uptime_seconds: gauge("Since the process started.", ["process"]),
  process_cpu_seconds_total: counter("CPU time, user and system.", ["process"]),
  process_resident_memory_bytes: gauge("Resident memory.", ["process"]),
  process_heap_used_bytes: gauge("JavaScript heap in use.", ["process"]),
  process_open_fds: gauge("Open file descriptors.", ["process"]),
  process_loop_delay_seconds: gauge(
    "How late the event loop was since the last scrape: quantile 0.5, 0.99, and 1, the worst.",
    ["process", "quantile"],
  ),
  process_gc_duration_seconds: {
    ...histogram("Pauses of the garbage collector.", ["process", "kind"]),
    bounds: GC_BOUNDS,
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metricTable;
export type HistogramName = {
  [Name in MetricName]: (typeof metricTable)[Name] extends { type: "histogram" } ? Name : never;
}[MetricName];
export type NumberName = Exclude<MetricName, HistogramName>;
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<(typeof metricTable)[Name]["labels"][number], string>
>;

/** The table as it is read where a name is not known before. */
export const metricNames: readonly MetricName[] = Object.keys(metricTable).filter(isMetricName);

export function metricOf(name: MetricName): Metric {
  return metricTable[name];
}

function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(metricTable, name);
}

function counter<const Labels extends readonly string[]>(help: string, labels: Labels) {
  return { type: "counter", help, labels } as const;
}

function gauge<const Labels extends readonly string[]>(help: string, labels: Labels) {
  return { type: "gauge", help, labels } as const;
}

function histogram<const Labels extends readonly string[]>(help: string, labels: Labels) {
  return { type: "histogram", help, labels } as const;
}
