import { createReadStream } from "node:fs"
import { Effect, Stream } from "effect"
import { judge, pinFlags, pinsOf, unreadable } from "../auditVerification.ts"
import { command, flags, positionals } from "../command.ts"
import type { UsageError } from "../failure.ts"
import { required } from "../flags.ts"

export default command({
  summary: "Verify an export of the audit log, offline",
  offline: true,
  examples: [
    { line: "maxcloud audit verify audit.jsonl", does: "an export, offline" },
    {
      line: "maxcloud audit verify audit.jsonl --public-key key.pem --checkpoint earlier.jsonl",
      does: "against what you know from before"
    },
    { line: "maxcloud audit export | maxcloud audit verify -", does: "what the server has now" }
  ],
  notes: [
    "Offline. Exits with 1 if an entry was changed, removed, added or moved; the message names the line.",
    '--checkpoint takes a former export, or its last line that begins with {"checkpoint". docs/audit.md says what is proven.'
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
