import type { GatewaySide } from "../engine/link/gateway-side.ts";
import type { Gateway } from "../gateway/main.ts";
import type { Source } from "./registry.ts";

/** Connections and what is written to them. */
export function metricsOfGateway(gateway: Gateway): Source {
  return (readings) => {
    const { connections, stats, traffic, handshakes } = gateway;
    for (const [transport, count] of Object.entries(connections))
      readings.set("connections", { transport }, count);
    for (const { transport, result, count } of handshakes.entries())
      readings.set("handshakes_total", { transport, result }, count);
    for (const [transport, count] of Object.entries(traffic.written))
      readings.set("messages_written_total", { transport }, count);
    for (const [mode, count] of Object.entries(traffic.synced))
      readings.set("resumes_total", { mode }, count);
    readings.histogram("event_age_seconds", { stage: "written" }, traffic.age);
    readings.set("slow_holds_total", {}, stats.slowHolds);
    readings.set("slow_held", {}, stats.held);
    readings.set("slow_closes_total", {}, stats.slowCloses);
    readings.set("buffered_bytes", {}, stats.bufferedBytes);
    const { passedOn } = stats;
    readings.set("passed_on_total", { kind: "request" }, passedOn.requestsTotal);
    readings.set("passed_on_total", { kind: "upgrade" }, passedOn.upgradesTotal);
    readings.set("passed_on", { kind: "request" }, passedOn.requests);
    readings.set("passed_on", { kind: "upgrade" }, passedOn.upgrades);
    readings.set("passed_on_failures_total", { reason: "gone" }, passedOn.goneTotal);
    readings.set("passed_on_failures_total", { reason: "failed" }, passedOn.failedTotal);
    readings.set("passed_on_buffered_bytes", {}, passedOn.bufferedBytes);
  };
}

/** The gateway's end of its link. */
export function metricsOfLink(link: GatewaySide, gateway: string): Source {
  return (readings) => {
    const { queuedBytes, requests, links } = link.stats;
    readings.set("link_queued_bytes", { gateway, side: "gateway" }, queuedBytes);
    readings.set("core_requests_waiting", { gateway }, requests);
    readings.set("links_made_total", { gateway }, links);
  };
}
