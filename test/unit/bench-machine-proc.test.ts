import { expect, test } from "vitest";
import { KeptSum } from "../../bench/machine/kept-sum.ts";
import { parseStat } from "../../bench/machine/processes.ts";
import { parseCurrEstab, parseEstablished, parseKernelMemory } from "../../bench/machine/sockets.ts";

// Texts as Linux 6.18 gave them.

test("a process's times, though its name holds spaces and a parenthesis", () => {
  const fields = "S 7919 7976 7919 0 -1 4194304 9000 0 0 0 152 31 7 9 20 0 11 0 51101 1124073472 13388";
  expect(parseStat(`7976 (node (x) 1) ${fields} 18446744073709551615 1 1`)).toEqual({
    startTicks: 51_101,
    cpuUs: 1_830_000,
  });
});

test("a sum keeps what was last seen of who has ended, and never falls", () => {
  const sum = new KeptSum();
  expect(
    sum.update(
      new Map([
        ["a", 5],
        ["b", 7],
      ]),
    ),
  ).toBe(12);
  expect(sum.update(new Map([["a", 6]]))).toBe(13);
  expect(
    sum.update(
      new Map([
        ["a", 6],
        ["c", 1],
      ]),
    ),
  ).toBe(14);
  // Another of the name, begun anew.
  expect(
    sum.update(
      new Map([
        ["a", 2],
        ["c", 1],
      ]),
    ),
  ).toBe(16);
  expect(sum.update(new Map())).toBe(16);
});

const SNMP = `Ip: Forwarding DefaultTTL
Ip: 2 64
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs
Tcp: 1 200 120000 -1 10065 10002 0 0 20000 42820
`;

test("established connections of the machine", () => {
  expect(parseCurrEstab(SNMP)).toBe(20_000);
  expect(parseCurrEstab("")).toBeNull();
});

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:B3AF 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20040 1 000000007d3570af 100 0 0 10 0
   1: 0100007F:B3AF 0100007F:D7E0 01 00000000:00000000 00:00000000 00000000     0        0 21351 1 00000000926c5ec3 20 4 30 10 -1
   2: 0100007F:D7E0 0100007F:B3AF 01 00000000:00000000 02:00000D1C 00000000     0        0 21350 2 000000002c1c1ba4 20 4 30 10 -1
   3: 0100007F:D7E2 0100007F:B3AF 06 00000000:00000000 03:00001770 00000000     0        0 0 3 00000000f01a1d11
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000100007F:B3AF 0000000000000000FFFF00000100007F:D7E4 01 00000000:00000000 00:00000000 00000000     0        0 21399 1 00000000b4a66b2e 20 4 30 10 -1
`;

test("both ends of connections, of either family, those that are established", () => {
  expect(parseEstablished(TCP)).toEqual([
    { localPort: 45_999, peerPort: 55_264, inode: "21351" },
    { localPort: 55_264, peerPort: 45_999, inode: "21350" },
  ]);
  expect(parseEstablished(TCP6)).toEqual([{ localPort: 45_999, peerPort: 55_268, inode: "21399" }]);
  expect(parseEstablished("")).toEqual([]);
});

test("the kernel's memory in bytes; null where a part of it is not told", () => {
  const texts = {
    sockstat: "sockets: used 13\nTCP: inuse 20002 orphan 0 tw 3 alloc 20002 mem 109\nUDP: inuse 0 mem 0\n",
    meminfo: "MemTotal:       24683000 kB\nSlab:             323076 kB\nSReclaimable:     286452 kB\n",
    smaps: "Size:                 4 kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n",
  };
  expect(parseKernelMemory(texts)).toEqual({ tcpBufferBytes: 109 * 4_096, slabBytes: 323_076 * 1_024 });
  for (const name of ["sockstat", "meminfo", "smaps"])
    expect(parseKernelMemory({ ...texts, [name]: null })).toBeNull();
});
