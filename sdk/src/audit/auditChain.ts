import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto"
import { Either, Schema } from "effect"
import {
  type AuditCheckpointLine,
  AuditEndLine,
  AuditEntryLine,
  AuditHeaderLine,
  auditFormat,
  auditFormatVersion,
  auditGenesis,
  AuditCheckpointLine as CheckpointLine,
  canonicalJson
} from "../api/index.ts"
import type { AuditFaultCode, AuditPins } from "./AuditVerification.ts"

const exact = { onExcessProperty: "error" } as const
const decodeHeader = Schema.decodeUnknownEither(AuditHeaderLine, exact)
const decodeEntry = Schema.decodeUnknownEither(AuditEntryLine, exact)
const decodeCheckpoint = Schema.decodeUnknownEither(CheckpointLine, exact)
const decodeEnd = Schema.decodeUnknownEither(AuditEndLine, exact)
const Versioned = Schema.Struct({ version: Schema.Number })
const hasVersion = Schema.is(Versioned)
const isObject = Schema.is(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

const sha256 = (...parts: ReadonlyArray<Uint8Array | string>): string => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest("hex")
}

/** The first inconsistency, with its line. */
export class Faulty extends Error {
  readonly code: AuditFaultCode
  readonly sequence: number | null
  constructor(code: AuditFaultCode, message: string, sequence: number | null) {
    super(message)
    this.code = code
    this.sequence = sequence
  }
}

export const fail = (code: AuditFaultCode, message: string, sequence: number | null = null): never => {
  throw new Faulty(code, message, sequence)
}

/** An Ed25519 key; undefined if the text isn't exactly one in PEM. */
const keyOf = (pem: string): KeyObject | undefined => {
  try {
    const key = createPublicKey(pem)
    return key.asymmetricKeyType === "ed25519" && pemOf(key) === pem ? key : undefined
  } catch {
    return undefined
  }
}
/** Compares keys, ignoring line breaks. Text that isn't a key equals nothing. */
export const asWritten = (pem: string): string => {
  try {
    return pemOf(createPublicKey(pem))
  } catch {
    return ""
  }
}
const pemOf = (key: KeyObject) => key.export({ format: "pem", type: "spki" }).toString()

type Pin = NonNullable<AuditPins["checkpoint"]>["checkpoint"] | undefined

/** The result of the verification so far, since the header. */
export interface AuditChain {
  readonly organization: string
  readonly keys: ReadonlyMap<string, KeyObject>
  readonly last: { readonly sequence: number; readonly hash: string }
  readonly checkpoints: number
  readonly checkpoint: AuditCheckpointLine | undefined
  readonly end: { readonly leftOut: number } | undefined
}

const parse = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value = JSON.parse(text)
    if (isObject(value) && canonicalJson(value) === text) return value
  } catch {}
  return fail("Malformed", "this isn't an object in canonical JSON (RFC 8785)")
}

const decoded = <A, E>(result: Either.Either<A, E>, what: string, versioned: unknown): A => {
  if (Either.isRight(result)) return result.right
  if (hasVersion(versioned) && versioned.version > auditFormatVersion) {
    const message = `this maxcloud doesn't know version ${versioned.version} of the format: verify it with a newer one`
    return fail("Unsupported", message)
  }
  return fail("Malformed", `this isn't ${what} of version ${auditFormatVersion} of the format`)
}

const header = (value: Readonly<Record<string, unknown>>, pin: Pin): AuditChain => {
  if (value["format"] !== auditFormat) fail("Malformed", "an export of the audit log must start with its header")
  const read = decoded(decodeHeader(value), "a header", value)
  const keys = new Map<string, KeyObject>()
  for (const { id, publicKey } of read.publicKeys) {
    const key = keyOf(publicKey) ?? fail("Malformed", `the public key ${id} isn't an Ed25519 key as SPKI in PEM`)
    if (keys.has(id)) fail("Malformed", `the public key ${id} comes twice`)
    keys.set(id, key)
  }
  if (pin !== undefined && pin.organization !== read.organization) {
    fail(
      "PinMismatch",
      `the pinned checkpoint is from ${pin.organization}, but the export is from ${read.organization}`
    )
  }
  return {
    organization: read.organization,
    keys,
    last: { sequence: 0, hash: auditGenesis },
    checkpoints: 0,
    checkpoint: undefined,
    end: undefined
  }
}

const ofOrganization = (chain: AuditChain, of: string, sequence: number) => {
  if (of !== chain.organization)
    fail("Foreign", `this line is from ${of}, but the export is from ${chain.organization}`, sequence)
}

const entry = (chain: AuditChain, value: Readonly<Record<string, unknown>>, pin: Pin): AuditChain => {
  const { last } = chain
  const { entry: record, hash, opened } = decoded(decodeEntry(value), "an entry", value["entry"])
  const { sequence } = record
  ofOrganization(chain, record.organization, sequence)
  const expected = last.sequence + 1
  if (sequence > expected) {
    const missing = sequence === expected + 1 ? `entry ${expected} is` : `entries ${expected} to ${sequence - 1} are`
    fail("OutOfOrder", `${missing} missing before entry ${sequence}`, sequence)
  }
  if (sequence < expected) fail("OutOfOrder", `entry ${sequence} comes after entry ${last.sequence}`, sequence)
  if (sha256(Buffer.from(last.hash, "hex"), canonicalJson(record)) !== hash) {
    fail("HashMismatch", `entry ${sequence} doesn't match its hash: one of them was changed`, sequence)
  }
  for (const field of ["personal", "subject"] as const) {
    const shown = opened[field]
    if (shown !== null && sha256(canonicalJson(shown)) !== record[`${field}Digest`]) {
      fail("OpenedMismatch", `the opened content of entry ${sequence} (${field}) isn't the sealed content`, sequence)
    }
  }
  if (pin?.sequence === sequence && pin.hash !== hash) {
    fail(
      "PinMismatch",
      `the hash of entry ${sequence} isn't the one in the pinned checkpoint: the history was rewritten`,
      sequence
    )
  }
  return { ...chain, last: { sequence, hash } }
}

const checked = (
  chain: AuditChain,
  value: Readonly<Record<string, unknown>>,
  pinnedKeys: ReadonlyArray<string> | undefined
): AuditChain => {
  const { keys, last } = chain
  const read = decoded(decodeCheckpoint(value), "a checkpoint", value["checkpoint"])
  const { checkpoint: signed, signature } = read
  const { keyId, sequence } = signed
  ofOrganization(chain, signed.organization, sequence)
  const key = keys.get(keyId) ?? fail("UnknownKey", `the header has no public key ${keyId}`, sequence)
  if (pinnedKeys !== undefined && !pinnedKeys.includes(pemOf(key))) {
    fail("UnknownKey", `the checkpoint is signed by ${keyId}, which isn't a pinned public key`, sequence)
  }
  const bytes = Buffer.from(signature, "base64")
  if (bytes.toString("base64") !== signature || !verify(null, Buffer.from(canonicalJson(signed)), key, bytes)) {
    fail("BadSignature", `the checkpoint of entry ${sequence} doesn't have a valid signature by ${keyId}`, sequence)
  }
  if (sequence > last.sequence) {
    fail(
      "Truncated",
      `a checkpoint signs entries up to ${sequence}, but entry ${last.sequence + 1} is missing`,
      sequence
    )
  }
  if (sequence < last.sequence) {
    fail("OutOfOrder", `the checkpoint of entry ${sequence} comes after entry ${last.sequence}`, sequence)
  }
  if (signed.hash !== last.hash) {
    fail(
      "CheckpointMismatch",
      `the hash of entry ${sequence} isn't the signed one: the history was rewritten`,
      sequence
    )
  }
  return { ...chain, checkpoints: chain.checkpoints + 1, checkpoint: read }
}

const end = (chain: AuditChain, value: Readonly<Record<string, unknown>>, pin: Pin): AuditChain => {
  const { checkpoint, checkpoints, last } = chain
  const { end: said } = decoded(decodeEnd(value), "an end", undefined)
  if (checkpoint?.checkpoint.sequence !== last.sequence) {
    fail("Truncated", `no checkpoint covers the end: the last entry is ${last.sequence}`, last.sequence)
  }
  if (said.entries !== last.sequence || said.checkpoints !== checkpoints) {
    const has = `${last.sequence} entries and ${checkpoints} checkpoints`
    fail(
      "Truncated",
      `the end says ${said.entries} entries and ${said.checkpoints} checkpoints, but the export has ${has}`
    )
  }
  if (pin !== undefined && pin.sequence > last.sequence) {
    const message = `the pinned checkpoint is for entry ${pin.sequence}, but the chain ends at ${last.sequence}`
    fail("PinMismatch", message, last.sequence)
  }
  return { ...chain, end: { leftOut: said.leftOut ?? 0 } }
}

/** Verifies the next line, and returns the chain including it. Throws `Faulty`. */
export const nextLine = (
  chain: AuditChain | undefined,
  text: string,
  pin: Pin,
  pinnedKeys: ReadonlyArray<string> | undefined
): AuditChain => {
  if (chain?.end !== undefined) return fail("Malformed", "there are lines after the end")
  const value = parse(text)
  if (chain === undefined) return header(value, pin)
  if ("entry" in value) return entry(chain, value, pin)
  if ("checkpoint" in value) return checked(chain, value, pinnedKeys)
  if ("end" in value) return end(chain, value, pin)
  return fail("Malformed", "this isn't an entry, a checkpoint or the end")
}
