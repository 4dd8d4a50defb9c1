import type { Revocation } from "../../auth/revocations.ts";
import type { DomainEvent } from "../../domain/events.ts";
import type { ErrorCode } from "../../errors.ts";
import type { Snapshot } from "../../metrics/readings.ts";
import type { OutMessage, Page, PublishResult, ReadQuery } from "../contract.ts";
import type { EndReason, MemberInfo } from "../presence.ts";

/** A gateway to the core. `request` numbers what is answered; answers carry the same number. */
export type FromGateway =
  | { readonly kind: "hello"; readonly name: string; readonly pid: number }
  | { readonly kind: "watch" | "unwatch"; readonly userId: string }
  | { readonly kind: "join"; readonly member: MemberInfo }
  | { readonly kind: "leave"; readonly memberId: number }
  | Revoked
  | { readonly kind: "metrics"; readonly request: number; readonly metrics: Snapshot }
  | LinkRequest;

/** Either way, all that are known at the start of a link: a core that was killed learns them from its gateways. */
interface Revoked {
  readonly kind: "revoked";
  readonly revocations: readonly Revocation[];
}

/** What a gateway asks; asked again on the next link where the answer did not come on this one. */
export type LinkRequest =
  | { readonly kind: "read"; readonly request: number; readonly query: ReadQuery }
  | {
      readonly kind: "jobs";
      readonly request: number;
      readonly userId: string;
      readonly jobId: string | null;
    }
  | { readonly kind: "publish"; readonly request: number; readonly events: readonly DomainEvent[] };

/** The core to a gateway. */
export type FromCore =
  | { readonly kind: "health"; readonly ready: boolean; readonly reason: string | null }
  | { readonly kind: "deliver"; readonly userId: string; readonly messages: readonly OutMessage[] }
  /** Messages of these users were left out, or do not hold any more: their connections ask `since(...)`. */
  | { readonly kind: "resync"; readonly userIds: readonly string[] }
  | { readonly kind: "end"; readonly memberIds: readonly number[]; readonly reason: EndReason }
  | { readonly kind: "scrape"; readonly request: number }
  | Revoked
  | LinkAnswer;

export type LinkAnswer =
  | {
      readonly kind: "page";
      readonly request: number;
      readonly page: Omit<Page, "messages">;
      readonly messages: readonly OutMessage[];
    }
  | { readonly kind: "jobMessages"; readonly request: number; readonly messages: readonly OutMessage[] }
  | { readonly kind: "published"; readonly request: number; readonly result: PublishResult }
  | {
      readonly kind: "refused";
      readonly request: number;
      readonly code: ErrorCode;
      readonly message: string;
      readonly retryAfterSeconds: number | null;
    };

/** Everything that crosses a link, in either direction. */
export type LinkMessage = FromGateway | FromCore;
