import { createReadStream } from "node:fs"
import { Effect, Stream } from "effect"
import { required } from "../args/flags.ts"
import { judge, pinFlags, pinsOf, unreadable } from "../audit/auditVerification.ts"
import { command, flags, positionals } from "../command.ts"
import type { UsageError } from "../errors/failure.ts"

export default command({
  summary: "Verify an export of the audit log, offline",
  offline: true,
  examples: [
    { line: "maxcloud audit verify audit.jsonl", does: "Verify an export, offline" },
    {
      line: "maxcloud audit verify audit.jsonl --public-key key.pem --checkpoint earlier.jsonl",
      does: "Verify it against a pinned key and checkpoint"
    },
    { line: "maxcloud audit export | maxcloud audit verify -", does: "Verify the current log" }
  ],
  notes: [
    "Offline. Exits with 1 if an entry was changed, removed, added or moved; the message names the line.",
    '--checkpoint accepts an earlier export, or its last line that begins with {"checkpoint". docs/audit.md says what this proves.'
  ],
  flags: flags(pinFlags),
  positionals: positionals({ file: required("FILE", "The export; - is standard input") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const pins = yield* pinsOf(input)
      const source = input.file === "-" ? process.stdin : createReadStream(input.file)
      yield* judge(Stream.fromAsyncIterable<Uint8Array, UsageError>(source, unreadable(input.file)), pins, terminal)
    })
})
