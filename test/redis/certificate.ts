import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  readonly certificatePath: string;
  readonly keyPath: string;
  /** In PEM. */
  readonly certificate: string;
}

/** A certificate of its own making for localhost, with its key, in a new temporary folder. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "certificate-"));
  const certificatePath = join(folder, "certificate.pem");
  const keyPath = join(folder, "key.pem");
  const { status, stderr } = spawnSync(
    "openssl",
    [
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
      ["-keyout", keyPath, "-out", certificatePath],
    ].flat(),
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`openssl failed: ${stderr}`);
  return { certificatePath, keyPath, certificate: readFileSync(certificatePath, "utf8") };
}
