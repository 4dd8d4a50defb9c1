import type { ReactElement } from "react";
import { gaugeOf, seriesOf, TRANSPORT_NAMES, TRANSPORTS } from "./reading.ts";
import { ageText, numberText, orUnknown, rateText, shareText, UNKNOWN } from "./text.ts";
import { Tile } from "./tile.tsx";
import type { Point, Watched } from "./watched.ts";

/** Beyond it nobody would call it live, as in the alerts of the documentation. */
const LATE_SECONDS = 1;
/** A tile's line is of the last two minutes. */
const SPARK_POINTS = 60;

/** The numbers to see at a glance. */
export function Tiles({ watched }: { readonly watched: Watched }): ReactElement {
  const { latest, figures, faults } = watched;
  const { connections, metrics } = latest;
  const points = watched.points.slice(-SPARK_POINTS);
  const of = (value: (point: Point) => number | null | undefined) =>
    points.map((point) => value(point) ?? null);
  const age = figures?.ages.written ?? null;
  const isLate = (age?.p99 ?? 0) > LATE_SECONDS;
  const errors = faults.reduce((sum, { sinceOpened }) => sum + sinceOpened, 0);
  const earlier = faults.reduce((sum, { sinceStart }) => sum + sinceStart, 0) - errors;
  const [linked, wanted] = [gaugeOf(metrics, "gateways_linked"), gaugeOf(metrics, "gateways_wanted")];
  const restarts = seriesOf(metrics, "restarts_total").reduce((sum, { value }) => sum + value, 0);
  const isMissing = linked !== null && wanted !== null && linked < wanted;
  return (
    <section aria-labelledby="now">
      <h2 id="now" className="sr-only">
        Now
      </h2>
      <ul className="tiles">
        <Tile
          {...{ name: "connections", title: "Connections", value: numberText(connections.total) }}
          note={`of ${numberText(connections.users)} ${connections.users === 1 ? "user" : "users"}`}
          history={of((point) => point.connections)}
        />
        <Tile
          {...{ name: "events", title: "Events in", unit: "/s" }}
          value={orUnknown(figures?.eventsPerSecond ?? null, rateText)}
          note={`${orUnknown(gaugeOf(metrics, "open_photos"), numberText)} photos under way`}
          history={of((point) => point.figures?.eventsPerSecond)}
        />
        <Tile
          {...{ name: "messages", title: "Messages out", unit: "/s" }}
          value={orUnknown(figures?.messagesPerSecond ?? null, rateText)}
          note={`${figures === null || figures.conflated === null ? "none" : shareText(figures.conflated)} conflated`}
          history={of((point) => point.figures?.messagesPerSecond)}
        />
        <Tile
          {...{ name: "age", title: "Event age, p99" }}
          value={orUnknown(age?.p99 ?? null, ageText)}
          note={age?.p50 === null || age === null ? "no event lately" : `median ${ageText(age.p50)}`}
          history={of((point) => point.figures?.ages.written.p99)}
          {...(isLate && { tone: "bad" })}
        />
        <Tile
          {...{ name: "gateways", title: "Gateways" }}
          value={linked === null ? UNKNOWN : numberText(linked)}
          {...(wanted !== null && { unit: `of ${numberText(wanted)}` })}
          note={
            linked === null
              ? "all in one process"
              : `${numberText(restarts)} ${restarts === 1 ? "restart" : "restarts"}`
          }
          {...(isMissing && { tone: "bad" })}
        />
        <Tile
          {...{ name: "errors", title: "Errors", value: numberText(errors) }}
          note={earlier > 0 ? `and ${numberText(earlier)} before` : "since opened"}
          {...(errors > 0 && { tone: "warn" })}
        />
      </ul>
      <dl className="transports">
        {TRANSPORTS.map((transport) => (
          <div key={transport} data-transport={transport}>
            <dt>{TRANSPORT_NAMES[transport]}</dt>
            <dd>{numberText(connections.byTransport[transport])}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
