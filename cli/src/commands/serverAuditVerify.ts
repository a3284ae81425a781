import { Effect, Stream } from "effect"
import { judge, pinFlags, pinsOf } from "../auditVerification.ts"
import { command, flags, noPositionals } from "../command.ts"
import { dataDirFlag, operatorNote } from "../operator.ts"
import { serverAuditLines } from "../serverAuditLines.ts"

export default command({
  summary: "Verify the server's own audit log",
  offline: true,
  examples: [
    { line: "maxcloud server audit verify", does: "the server's own audit log, as the database has it now" },
    {
      line: "maxcloud server audit verify --public-key key.pem --checkpoint earlier.jsonl",
      does: "against what you know from before"
    }
  ],
  notes: [
    operatorNote,
    "Exit code 1 where an entry was changed, removed, added or moved. A file is checked by `maxcloud audit verify FILE`.",
    "docs/audit.md says what is proven, and why to pin a key and a checkpoint."
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
