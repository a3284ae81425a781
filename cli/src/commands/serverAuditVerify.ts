import { Effect, Stream } from "effect"
import { judge, pinFlags, pinsOf } from "../audit/auditVerification.ts"
import { serverAuditLines } from "../audit/serverAuditLines.ts"
import { command, flags, noPositionals } from "../command.ts"
import { dataDirFlag, operatorNote } from "../operator/operator.ts"

export default command({
  summary: "Verify the server's own audit log",
  offline: true,
  examples: [
    { line: "maxcloud server audit verify", does: "Verify the server's own audit log in the database" },
    {
      line: "maxcloud server audit verify --public-key key.pem --checkpoint earlier.jsonl",
      does: "Verify it against a pinned key and checkpoint"
    }
  ],
  notes: [
    operatorNote,
    "Exit code 1 if an entry was changed, removed, added or moved. `maxcloud audit verify FILE` checks a file.",
    "docs/audit.md says what this proves, and why to pin a key and a checkpoint."
  ],
  flags: flags({ ...pinFlags, dataDir: dataDirFlag }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const pins = yield* pinsOf(input)
      yield* judge(
        Stream.encodeText(Stream.map(serverAuditLines(input.dataDir), (serverAuditLine) => `${serverAuditLine}\n`)),
        pins,
        terminal
      )
    })
})
