import type { ReactElement } from "react";
import { bytesText } from "../units.ts";
import { compareNames, type ProcessRow } from "./processes.ts";
import { type Connections, type Count, TRANSPORT_NAMES, TRANSPORTS } from "./reading.ts";
import { type Column, Table } from "./table.tsx";
import { ageText, numberText, orUnknown, shareText, uptimeText } from "./text.ts";

const counts: readonly Column<Count>[] = [
  { title: "All", isNumber: true, cell: ({ total }) => <b>{numberText(total)}</b> },
  ...TRANSPORTS.map(
    (transport): Column<Count> => ({
      title: TRANSPORT_NAMES[transport],
      isNumber: true,
      cell: ({ byTransport }) => numberText(byTransport[transport]),
    }),
  ),
];

/** Connections of each gateway, and of all of them. */
export function GatewayTable({ connections }: { readonly connections: Connections }): ReactElement {
  const { gateways, total, byTransport } = connections;
  const sorted = gateways.toSorted((one, other) => compareNames(one.name, other.name));
  return (
    <Table
      name="gateways"
      title="Connections"
      note="now, by gateway and transport"
      rows={[...sorted, ...(gateways.length === 1 ? [] : [{ name: "all", total, byTransport }])]}
      keyOf={({ name }) => name}
      columns={[{ title: "Gateway", cell: ({ name }) => name }, ...counts]}
      empty="No gateway is linked to the core. They link within seconds of their start."
    />
  );
}

export function UserTable({ connections }: { readonly connections: Connections }): ReactElement {
  return (
    <Table
      name="users"
      title="Busiest users"
      note="those with most connections"
      rows={connections.byUser}
      keyOf={({ userId }) => userId}
      columns={[
        {
          title: "User",
          cell: ({ userId }) => (
            <span className="long-name" title={userId}>
              {userId}
            </span>
          ),
        },
        ...counts,
      ]}
      empty="Nobody is connected. Users appear here when they open the uploads page, or an app that uses the hub."
    />
  );
}

export function ProcessTable({ rows }: { readonly rows: readonly ProcessRow[] }): ReactElement {
  return (
    <Table
      name="processes"
      title="Processes"
      note="CPU: 100 % is a core; event loop: how late since the last reading"
      rows={rows}
      keyOf={({ name }) => name}
      columns={[
        {
          title: "Process",
          cell: ({ name, answers }) => (
            <>
              {name}
              {!answers && (
                <>
                  {" "}
                  <span className="badge" data-tone="bad">
                    no answer
                  </span>
                </>
              )}
            </>
          ),
        },
        { title: "CPU", isNumber: true, cell: ({ cpu }) => orUnknown(cpu, shareText) },
        { title: "Memory", isNumber: true, cell: ({ memoryBytes }) => orUnknown(memoryBytes, bytesText) },
        { title: "Up", isNumber: true, cell: ({ uptimeSeconds }) => orUnknown(uptimeSeconds, uptimeText) },
        {
          title: "Loop p50",
          isNumber: true,
          isExtra: true,
          cell: ({ medianLoopDelaySeconds }) => orUnknown(medianLoopDelaySeconds, ageText),
        },
        {
          title: "Loop p99",
          isNumber: true,
          cell: ({ lateLoopDelaySeconds }) => orUnknown(lateLoopDelaySeconds, ageText),
        },
      ]}
      empty="The hub names no process."
    />
  );
}
