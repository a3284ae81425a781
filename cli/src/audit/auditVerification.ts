import { readFile } from "node:fs/promises"
import type { AuditPins, AuditVerification } from "@maxcloud/sdk/effect"
import { Effect, type Stream } from "effect"
import { text } from "../args/flags.ts"
import { loadSdk } from "../client.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import { decodeText } from "../input/decodeText.ts"
import type { Terminal } from "../output/terminal.ts"

export const unreadable = (file: string) => (cause: unknown) =>
  new UsageError({ message: `Couldn't read ${file}: ${cause instanceof Error ? cause.message : String(cause)}` })

const read = (file: string | undefined) =>
  file === undefined
    ? Effect.succeed(undefined)
    : Effect.tryPromise({ try: () => readFile(file), catch: unreadable(file) }).pipe(
        Effect.flatMap((bytes) => decodeText(bytes, file))
      )

const publicKeys = (file: string | undefined) =>
  Effect.gen(function* () {
    const content = yield* read(file)
    if (content === undefined) return undefined
    const keys = (yield* loadSdk).publicKeysIn(content)
    if (keys.length > 0) return keys
    return yield* new UsageError({ message: `${file} has no public key`, fix: "give an Ed25519 key as SPKI in PEM" })
  })

const checkpoint = (file: string | undefined) =>
  Effect.gen(function* () {
    const content = yield* read(file)
    if (content === undefined) return undefined
    const found = (yield* loadSdk).lastCheckpointIn(content)
    if (found !== undefined) return found
    const fix = 'give an earlier export, or its last line that begins with {"checkpoint"'
    return yield* new UsageError({ message: `${file} has no checkpoint`, fix })
  })

const trust = ({ pinned }: Extract<AuditVerification, { ok: true }>): string =>
  pinned.publicKey || pinned.checkpoint
    ? `checked against your ${[...(pinned.publicKey ? ["public key"] : []), ...(pinned.checkpoint ? ["checkpoint"] : [])].join(" and ")}`
    : "it is consistent in itself; to detect that somebody has rewritten all of it, add --public-key and --checkpoint"

/** Trusted facts about the log, from a source other than the log itself. */
export const pinFlags = {
  publicKey: text("public-key", "FILE", {
    description: "PEM file of the keys that may have signed, from a trusted source"
  }),
  checkpoint: text("checkpoint", "FILE", { description: "An earlier checkpoint that the log must still contain" })
}

export const pinsOf = (input: { readonly publicKey: string | undefined; readonly checkpoint: string | undefined }) =>
  Effect.gen(function* () {
    return {
      publicKeys: yield* publicKeys(input.publicKey),
      checkpoint: yield* checkpoint(input.checkpoint)
    } satisfies AuditPins
  })

/** Verifies an export and prints the result; fails with the line of the first inconsistency. */
export const judge = <E>(content: Stream.Stream<Uint8Array, E>, pins: AuditPins, terminal: Terminal) =>
  Effect.gen(function* () {
    const { verifyAuditExport } = yield* loadSdk
    const verification = yield* verifyAuditExport(content, pins)
    if (!verification.ok) {
      const { code, line, message, sequence } = verification.fault
      return yield* new CommandFailed({
        tag: "AuditFault",
        exit: 1,
        message: `line ${line}: ${message}`,
        fix: "everything before that line is consistent; compare it with an earlier export, and with a backup",
        data: { code, line, sequence }
      })
    }
    if (terminal.json) return terminal.printJson(verification)
    const { checkpoint: last, checkpoints, entries, leftOut, organization } = verification
    terminal.print(
      `the audit log of ${organization} is intact: ${entries} entries, ${checkpoints} checkpoints, the last one from ${last.checkpoint.at}`
    )
    if (leftOut > 0) {
      terminal.say(
        `warning: ${leftOut} checkpoints were left out: they are in the server's database, but the server hasn't signed them. Its operator removes them with: maxcloud server audit repair ${organization}`
      )
    }
    terminal.say(trust(verification))
  })
