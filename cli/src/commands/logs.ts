import type { LogEntry } from "@maxcloud/sdk/api"
import { Chunk, Effect, Stream } from "effect"
import { connect, parseServiceName, stageOf } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { UsageError } from "../failure.ts"
import { integer, required, text, toggle } from "../flags.ts"
import { logLine } from "../format.ts"
import { parseTime } from "../time.ts"

export default command({
  examples: [
    { line: "maxcloud logs myapp", does: "the last 100 lines" },
    { line: "maxcloud logs myapp --follow", does: "and what comes, until Ctrl-C" },
    { line: "maxcloud logs myapp --since 10m --json", does: "the last ten minutes as JSON lines" },
    { line: "maxcloud logs myapp --revision myapp-00002 --tail 20", does: "of one revision" }
  ],
  notes: ["A broken connection is made again, and goes on after the last line that came."],
  exitOnInterrupt: 0,
  flags: flags({
    follow: toggle("follow", { alias: "f", description: "Go on with what is written from now" }),
    since: text("since", "TIME", { description: "Not older than this: 10m, 2h, or an RFC 3339 time" }),
    tail: integer("tail", "LINES", { alias: "n", description: "How many of the last lines to begin with [100]" }),
    revision: text("revision", "REVISION", { alias: "r", description: "Lines of this revision only" })
  }),
  positionals: positionals({ name: required("NAME", "The service") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { follow, revision, tail } = input
      const since = yield* parseTime("--since", input.since)
      if (tail !== undefined && (tail < 0 || tail > 10_000)) {
        return yield* new UsageError({
          message: `--tail ${tail} is out of range`,
          fix: "write a number from 0 to 10000"
        })
      }
      const name = yield* parseServiceName(input.name)
      const stage = yield* stageOf(input)
      const cloud = yield* connect(input)
      const written = (entry: LogEntry) => (terminal.json ? JSON.stringify(entry) : logLine(entry, terminal))
      // Lines that come together are written together: a write for each would be most of the work.
      yield* Stream.runForEachChunk(cloud.logs(name, { follow, since, tail, revision, stage }), (entries) =>
        Effect.sync(() => {
          if (entries.length > 0) terminal.print(Chunk.toReadonlyArray(entries).map(written).join("\n"))
        })
      )
    })
})
