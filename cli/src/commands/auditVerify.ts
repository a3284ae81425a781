import { createReadStream } from "node:fs"
import { readFile } from "node:fs/promises"
import type { AuditVerification } from "@maxcloud/sdk/effect"
import { Effect, Stream } from "effect"
import { loadSdk } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed, UsageError } from "../failure.ts"
import { required, text } from "../flags.ts"

const unreadable = (file: string) => (cause: unknown) =>
  new UsageError({ message: `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}` })

const read = (file: string | undefined) =>
  file === undefined
    ? Effect.succeed(undefined)
    : Effect.tryPromise({ try: () => readFile(file, "utf8"), catch: unreadable(file) })

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
    ? `held against your ${[...(pinned.publicKey ? ["public key"] : []), ...(pinned.checkpoint ? ["checkpoint"] : [])].join(" and ")}`
    : "it agrees with itself; who could write the whole of it anew is found out only by --public-key and --checkpoint"

export default command({
  examples: [
    { line: "maxcloud audit verify audit.jsonl", does: "an export, offline" },
    {
      line: "maxcloud audit verify audit.jsonl --public-key key.pem --checkpoint earlier.jsonl",
      does: "against what you know from before"
    },
    { line: "maxcloud audit export | maxcloud audit verify -", does: "what the server has now" }
  ],
  notes: [
    "Offline. Exit code 1 where an entry was changed, removed, added or moved: the message names the line.",
    '--checkpoint takes a former export, or its last line that begins with {"checkpoint". docs/audit.md says what is proven.'
  ],
  flags: flags({
    publicKey: text("public-key", "FILE", { description: "PEM with the keys that may have signed, from elsewhere" }),
    checkpoint: text("checkpoint", "FILE", { description: "An earlier checkpoint that must still hold" })
  }),
  positionals: positionals({ file: required("FILE", "The export; - is standard input") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { verifyAuditExport } = yield* loadSdk
      const pins = {
        publicKeys: yield* publicKeys(input.publicKey),
        checkpoint: yield* checkpoint(input.checkpoint)
      }
      const source = input.file === "-" ? process.stdin : createReadStream(input.file)
      const content = Stream.fromAsyncIterable<Uint8Array, UsageError>(source, unreadable(input.file))
      const verification = yield* verifyAuditExport(content, pins)
      if (!verification.ok) {
        const { code, line, message, sequence } = verification.fault
        return yield* new CommandFailed({
          tag: "AuditFault",
          exit: 1,
          message: `line ${line}: ${message}`,
          fix: "what comes before that line fits together; compare with an earlier export, and with a backup",
          data: { code, line, sequence }
        })
      }
      if (terminal.json) return terminal.printJson(verification)
      const { checkpoint: last, checkpoints, entries, organization } = verification
      terminal.print(
        `the audit log of ${organization} is whole: ${entries} entries, ${checkpoints} checkpoints, the last one of ${last.checkpoint.at}`
      )
      terminal.say(trust(verification))
    })
})
