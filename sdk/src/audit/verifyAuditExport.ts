import { Effect, Either, Schema, Stream } from "effect"
import { AuditCheckpointLine, type InvalidRequest } from "../api/index.ts"
import { parse, parseOptions } from "../input/parse.ts"
import { never, run } from "../promises.ts"
import type { AuditPins, AuditVerification } from "./AuditVerification.ts"
import { type AuditVerifier, makeAuditVerifier } from "./makeAuditVerifier.ts"

/** Longer than any line of an export. */
const longestLine = 4 * 1024 * 1024
const lineEnd = 0x0a

/** Passes on complete lines. `push` returns false if nothing more needs to be read. */
const lineReader = (verifier: AuditVerifier) => {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  let pieces: Array<Uint8Array> = []
  let held = 0

  const read = (): boolean => {
    const bytes = Buffer.concat(pieces)
    pieces = []
    held = 0
    let text: string
    try {
      text = decoder.decode(bytes)
    } catch {
      verifier.unreadable("the line isn't UTF-8")
      return false
    }
    return verifier.line(text)
  }

  return {
    push: (chunk: Uint8Array | string): boolean => {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk, "utf8") : chunk
      let begin = 0
      for (let end = bytes.indexOf(lineEnd); end !== -1; end = bytes.indexOf(lineEnd, begin)) {
        pieces.push(bytes.subarray(begin, end))
        begin = end + 1
        if (!read()) return false
      }
      if (begin < bytes.length) {
        // A stream may reuse its buffer.
        pieces.push(Uint8Array.prototype.slice.call(bytes, begin))
        held += bytes.length - begin
      }
      if (held <= longestLine) return true
      verifier.unreadable(`the line is longer than ${longestLine} bytes`)
      return false
    },
    finish: (): AuditVerification => {
      if (pieces.length > 0) read()
      return verifier.finish()
    }
  }
}

const Pins = Schema.Struct({
  publicKeys: Schema.optional(Schema.Array(Schema.String)),
  checkpoint: Schema.optional(Schema.typeSchema(AuditCheckpointLine))
})

/** A misspelled pin would pin nothing. */
const parsePins = (pins: AuditPins | undefined): Effect.Effect<AuditPins, InvalidRequest> =>
  Effect.flatMap(parseOptions<AuditPins>(pins, { publicKeys: "any", checkpoint: "any" }), parse(Pins))

/**
 * Verifies an export of the audit log (`audit export`), offline and in constant memory: no entry was changed, removed, added or moved, and the
 * signed checkpoints match. docs/audit.md says what that proves; a pinned public key and an earlier checkpoint prove the most. Invalid content
 * in the export isn't a failure of the call: the result reports it. Invalid pins are an `InvalidRequest`.
 */
export const verifyAuditExport = <E, R>(
  content: Stream.Stream<Uint8Array | string, E, R>,
  pins?: AuditPins
): Effect.Effect<AuditVerification, E | InvalidRequest, R> =>
  Effect.flatMap(parsePins(pins), (given) => {
    const reader = lineReader(makeAuditVerifier(given))
    return Stream.runDrain(Stream.takeWhile(content, reader.push)).pipe(Effect.map(reader.finish))
  })

/** `verifyAuditExport` for an `AsyncIterable`, such as a file's stream. */
export const verifyAuditExportOf = async (
  content: AsyncIterable<Uint8Array | string>,
  pins?: AuditPins
): Promise<AuditVerification> => {
  const reader = lineReader(makeAuditVerifier(await run(parsePins(pins), never)))
  for await (const chunk of content) if (!reader.push(chunk)) break
  return reader.finish()
}

const decodeLine = Schema.decodeUnknownEither(Schema.parseJson(AuditCheckpointLine), { onExcessProperty: "error" })

/** The last checkpoint in an earlier export, or in only its checkpoint line; undefined if there is none. */
export const lastCheckpointIn = (text: string): AuditCheckpointLine | undefined => {
  for (const line of text.trimEnd().split("\n").reverse()) {
    const read = line.startsWith('{"checkpoint"') ? decodeLine(line) : undefined
    if (read !== undefined && Either.isRight(read)) return read.right
  }
  return undefined
}

/** The public keys of a PEM file, which may contain several. */
export const publicKeysIn = (text: string): ReadonlyArray<string> =>
  text.replaceAll("\r\n", "\n").match(/-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----/g) ?? []
