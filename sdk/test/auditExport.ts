import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import * as fc from "fast-check"
import { type AuditEntryLine, type AuditRecord, canonicalJson } from "../src/api/index.ts"

export interface TestEntry {
  readonly action: string
  readonly email: string | null
  readonly subject: string
  readonly requestId: string | null
  readonly checkpoint: boolean
}

export const organization = "org_0192f0c1a2b37c4d8e9fa0b1c2d3e4f5"

export const signer = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  return { id: "dk_signing", privateKey, publicKey: publicKey.export({ format: "pem", type: "spki" }).toString() }
}

const sha256 = (...parts: ReadonlyArray<string | Uint8Array>) => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest("hex")
}

export const recordOf = (entry: TestEntry, sequence: number): AuditEntryLine["opened"] & { record: AuditRecord } => {
  const salt = "AAAAAAAAAAAAAAAAAAAAAA"
  const personal = entry.email === null ? null : { address: "192.0.2.1", email: entry.email, oidcSubject: null, salt }
  const subject = { subject: entry.subject, salt }
  const record: AuditRecord = {
    version: 1,
    organization,
    sequence,
    at: new Date(1_790_000_000_000 + sequence).toISOString(),
    action: entry.action,
    outcome: "succeeded",
    status: 200,
    actorType: "user",
    actorId: "usr_1",
    credentialId: null,
    personId: "usr_1",
    requestId: entry.requestId,
    beforeDigest: null,
    afterDigest: sha256(entry.subject),
    personalKeyId: personal === null ? null : "dk_person",
    personal: personal === null ? null : Buffer.from(`sealed ${sequence}`).toString("base64"),
    personalDigest: personal === null ? null : sha256(canonicalJson(personal)),
    subjectKeyId: "dk_organization",
    subject: Buffer.from(`sealed subject ${sequence}`).toString("base64"),
    subjectDigest: sha256(canonicalJson(subject))
  }
  return { record, personal, subject }
}

export const checkpointLine = (
  key: { readonly id: string; readonly privateKey: KeyObject },
  sequence: number,
  hash: string
): string => {
  const checkpoint = {
    type: "maxcloud-audit-checkpoint",
    version: 1,
    organization,
    sequence,
    hash,
    at: "2026-11-24T12:00:00.000Z",
    keyId: key.id
  }
  const signature = sign(null, Buffer.from(canonicalJson(checkpoint)), key.privateKey).toString("base64")
  return canonicalJson({ checkpoint, signature })
}

/** The lines of an export, created as docs/audit.md describes. */
export const exportOf = (entries: ReadonlyArray<TestEntry>, key = signer()): ReadonlyArray<string> => {
  const publicKeys = [{ id: key.id, publicKey: key.publicKey }]
  const lines = [canonicalJson({ format: "maxcloud-audit", version: 1, organization, publicKeys })]
  let hash = "0".repeat(64)
  let checkpoints = 0
  for (const [index, entry] of entries.entries()) {
    const { record, ...opened } = recordOf(entry, index + 1)
    hash = sha256(Buffer.from(hash, "hex"), canonicalJson(record))
    lines.push(canonicalJson({ entry: record, hash, opened }))
    if (!entry.checkpoint) continue
    lines.push(checkpointLine(key, index + 1, hash))
    checkpoints++
  }
  lines.push(checkpointLine(key, entries.length, hash))
  lines.push(canonicalJson({ end: { entries: entries.length, checkpoints: checkpoints + 1 } }))
  return lines
}

const text = fc.string({ unit: "grapheme", maxLength: 12 })

export const testEntry: fc.Arbitrary<TestEntry> = fc.record({
  action: text,
  email: fc.option(text),
  subject: text,
  requestId: fc.option(text),
  checkpoint: fc.boolean()
})
