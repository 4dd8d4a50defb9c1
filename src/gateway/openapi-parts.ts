import { type ErrorCode, errorCatalogue } from "../errors.ts";
import { count, type JsonSchema, text } from "./message-schemas.ts";

// What the operations of `/openapi.json` are put together from.

export const INTERNAL = {
  url: "http://127.0.0.1:8081",
  description: "Internal listener: producers and operators.",
};

/** What any request may be answered with. */
export const ANY = ["bad_request", "not_found", "method_not_allowed", "internal_error"] as const;
/** What a request with a body may be answered with. */
export const BODY = ["connect_timeout", "malformed_json", "body_too_large"] as const;

export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
export const json = (schema: JsonSchema) => ({ "application/json": { schema } });

const headerOf: Readonly<Record<number, object>> = {
  401: { "WWW-Authenticate": { schema: text, description: "Bearer" } },
  405: { Allow: { schema: text, description: "The methods of this path." } },
  429: { "Retry-After": { schema: count, description: "Seconds." } },
  503: { "Retry-After": { schema: count, description: "Seconds." } },
};

/** Problem documents by status, each with the codes that it may carry. */
export function problems(...codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = errorCatalogue[code];
    if (status !== null) byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, all]) => [String(status), problem(status, all)]));
}

function problem(status: number, codes: readonly ErrorCode[]): object {
  const narrowed = { type: "object", properties: { code: { enum: codes }, status: { const: status } } };
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCatalogue[code].title}.`).join(" "),
    ...(headerOf[status] && { headers: headerOf[status] }),
    content: { "application/problem+json": { schema: { allOf: [ref("Problem"), narrowed] } } },
  };
}

export function parameter(
  where: "path" | "query" | "header",
  name: string,
  schema: JsonSchema,
  description: string,
) {
  return { in: where, name, required: where === "path", schema, description };
}
