import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { EventStreamReader } from "../../bench/load/event-stream.ts";
import { FrameReader, pongFrame, textFrame } from "../../bench/load/frames.ts";

/** Cut at these places, each a share of its length; what was handed on is overwritten, as a shared buffer is. */
function fed(bytes: Buffer, cuts: readonly number[], take: (part: Buffer) => void): void {
  const places = cuts.map((share) => Math.floor(share * bytes.length)).sort((left, right) => left - right);
  let from = 0;
  for (const to of [...places, bytes.length]) {
    const part = Buffer.from(bytes.subarray(from, to));
    take(part);
    part.fill(0x81);
    from = to;
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });
const everywhere = (bytes: Buffer) => Array.from(bytes, (_, index) => (index + 0.5) / bytes.length);
/** Lengths around those at which a frame's head grows, in characters of up to four bytes. */
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom(0, 1, 124, 125, 126, 127, 65_535, 65_536, 70_000).map((length) => "x".repeat(length)),
);

describe("WebSocket frames", () => {
  type Sent =
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "ping" | "pong"; readonly payload: string };
  const payload = fc.string({ unit: "grapheme-ascii", maxLength: 100 });
  const sent: fc.Arbitrary<Sent> = fc.oneof(
    fc.record({ kind: fc.constant("text" as const), text }),
    fc.record({ kind: fc.constantFrom("ping" as const, "pong" as const), payload }),
  );

  /** The bytes' end on one side, ws on the other. */
  let pair: { readonly socket: Socket; readonly peer: WebSocket };
  let received = Buffer.alloc(0);
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });

  beforeAll(async () => {
    if (server.address() === null) await once(server, "listening");
    const socket = connect(portOf(server.address()), "127.0.0.1");
    const accepted = new Promise<WebSocket>((resolve) => server.once("connection", resolve));
    socket.write(
      [
        "GET / HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "",
        "",
      ].join("\r\n"),
    );
    socket.on("data", (part) => {
      received = Buffer.concat([received, part]);
    });
    // The answer's head is one packet.
    await once(socket, "data");
    pair = { socket, peer: await accepted };
  });
  afterAll(() => {
    pair.socket.destroy();
    server.close();
  });

  /** As ws writes them on a server's side. */
  async function written(frames: readonly Sent[]): Promise<Buffer> {
    received = Buffer.alloc(0);
    for (const frame of frames) {
      if (frame.kind === "text") pair.peer.send(frame.text);
      else pair.peer[frame.kind](frame.payload);
    }
    const end = `end-${randomUUID()}`;
    pair.peer.pong(end);
    await expect.poll(() => received.includes(end), { interval: 1 }).toBe(true);
    return received;
  }

  function read(bytes: Buffer, at: readonly number[]): unknown[] {
    const got: unknown[] = [];
    const reader = new FrameReader({
      text: (found) => void got.push({ kind: "text", text: found }),
      ping: (found) => void got.push({ kind: "ping", payload: found.toString() }),
      close: (code) => void got.push({ kind: "close", code }),
    });
    fed(bytes, at, (part) => reader.take(part));
    return got;
  }

  it("of a server are the same however the bytes are divided", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sent, { maxLength: 8 }), cuts, async (frames, at) => {
        const heard = frames.filter(({ kind }) => kind !== "pong");
        expect(read(await written(frames), at)).toEqual(heard);
      }),
    );
  });

  it("of a server are the same byte by byte", async () => {
    const frames: Sent[] = [
      { kind: "text", text: "é€😀" },
      { kind: "ping", payload: "" },
      { kind: "text", text: "y".repeat(300) },
    ];
    const bytes = await written(frames);
    expect(read(bytes, everywhere(bytes))).toEqual(frames);
  });

  test.each([
    ["without a code", [0x88, 0x00], 1005],
    ["with a code and a reason", [0x88, 0x04, 0x11, 0x31, 0x6e, 0x6f], 4401],
  ])("a close %s", (_name, bytes, code) => {
    const whole = Buffer.from(bytes);
    expect(read(whole, everywhere(whole))).toEqual([{ kind: "close", code }]);
  });

  test.each([
    ["a fragment", [0x01, 0x01, 0x61], /fragmented/],
    ["a binary frame", [0x82, 0x01, 0x61], /opcode 2/],
    ["a masked frame", [0x81, 0x81, 1, 2, 3, 4, 0x60], /masked/],
    ["a compressed frame", [0xc1, 0x01, 0x61], /extension/],
  ])("%s is an error", (_name, bytes, message) => {
    expect(() => read(Buffer.from(bytes), [])).toThrow(message);
  });

  it("of the client are what ws reads as a server", async () => {
    const { peer, socket } = pair;
    const got: unknown[] = [];
    peer.on("message", (data) => got.push(String(data)));
    peer.on("pong", (data) => got.push({ pong: data.toString() }));
    peer.on("error", (error) => got.push(error));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 4 }), payload, async (texts, answer) => {
        got.length = 0;
        // What a client says is small.
        const small = texts.map((one) => one.slice(0, 16_000));
        for (const one of small) socket.write(textFrame(one));
        socket.write(pongFrame(Buffer.from(answer)));
        await expect.poll(() => got.length > small.length, { interval: 1 }).toBe(true);
        expect(got).toEqual([...small, { pong: answer }]);
      }),
    );
  });
});

describe("an event stream", () => {
  const line = fc.string({ unit: "grapheme", maxLength: 20 }).map((one) => one.replace(/[\r\n]/g, ""));
  const data = fc.record({ data: line });
  const quiet = fc.oneof(
    fc.record({ comment: line }),
    fc.record({ id: line, event: line, data: line }),
    fc.constant({ retry: "3000" }),
  );
  type Block = { readonly [field: string]: string };
  const blocks: fc.Arbitrary<Block[]> = fc.array(fc.oneof(data, quiet), { maxLength: 8 });

  const textOf = (all: readonly Block[]) =>
    all
      .map((block) =>
        Object.entries(block)
          .map(([field, value]) => `${field === "comment" ? "" : field}: ${value}\n`)
          .join("")
          .concat("\n"),
      )
      .join("");
  const dataOf = (all: readonly Block[]) => all.flatMap((block) => block.data ?? []);

  /** In chunks cut at these places, in the midst of characters too. */
  function chunked(body: Buffer, at: readonly number[], isEnded: boolean): Buffer {
    const parts: Buffer[] = [];
    fed(body, at, (part) => {
      if (part.length > 0) {
        parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), Buffer.from(part), Buffer.from("\r\n"));
      }
    });
    if (isEnded) parts.push(Buffer.from("0\r\n\r\n"));
    return Buffer.concat(parts);
  }

  function read(bytes: Buffer, at: readonly number[]): { readonly events: string[]; readonly ends: number } {
    const events: string[] = [];
    let ends = 0;
    const reader = new EventStreamReader({
      event: (found) => void events.push(found),
      end: () => {
        ends += 1;
      },
    });
    fed(bytes, at, (part) => reader.take(part));
    return { events, ends };
  }

  it("is the same however bytes and chunks are divided", () => {
    fc.assert(
      fc.property(blocks, cuts, cuts, fc.boolean(), (all, chunks, packets, isEnded) => {
        const bytes = chunked(Buffer.from(textOf(all)), chunks, isEnded);
        expect(read(bytes, packets)).toEqual({ events: dataOf(all), ends: isEnded ? 1 : 0 });
      }),
    );
  });

  it("is the same with a chunk for each byte, and a packet for each byte", () => {
    const all: Block[] = [{ data: "é€😀" }, { comment: "" }, { id: "1", event: "x", data: "" }];
    const body = Buffer.from(textOf(all));
    const bytes = chunked(body, everywhere(body), true);
    expect(read(bytes, everywhere(bytes))).toEqual({ events: ["é€😀", ""], ends: 1 });
  });

  it("is what Node writes", async () => {
    const server = createServer((_, response) => {
      response.write("data: é\n");
      response.end("\ndata: €\n\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const socket = connect(portOf(server.address()), "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const parts: Buffer[] = [];
    socket.on("data", (part) => void parts.push(part));
    await once(socket, "close");
    server.close();
    const answer = Buffer.concat(parts);
    const body = answer.subarray(answer.indexOf("\r\n\r\n") + 4);
    expect(read(body, [])).toEqual({ events: ["é", "€"], ends: 1 });
  });

  test.each([
    ["text", "hello\r\n\r\n"],
    ["a size that ends in text", "1z\r\na\r\n"],
    ["an empty line", "\r\n"],
    ["no end of a head", "1".repeat(300)],
  ])("%s is no chunk", (_name, bytes) => {
    expect(() => read(Buffer.from(bytes), [])).toThrow("a chunk without a size");
  });
});
