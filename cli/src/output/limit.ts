import { Chunk, Effect, Stream } from "effect"
import { integer } from "../args/flags.ts"
import { UsageError } from "../errors/failure.ts"
import type { Terminal } from "./terminal.ts"

const usual = 100
const most = 10_000

/** The flag of commands that print a list. */
export const limitFlags = {
  limit: integer("limit", "N", { alias: "n", description: `How many to show, 1 to ${most} [${usual}]` })
}

/** The first items of a list. `which` names them for people. Says so if there are more. */
export const firstOf = <A, E>(
  list: Stream.Stream<A, E>,
  { limit = usual }: { readonly limit: number | undefined },
  terminal: Terminal,
  which: "first" | "last" = "first"
): Effect.Effect<ReadonlyArray<A>, E | UsageError> =>
  Effect.gen(function* () {
    if (limit < 1 || limit > most) {
      return yield* new UsageError({ message: `--limit ${limit} is out of range`, fix: `use --limit 1 to ${most}` })
    }
    const items = Chunk.toReadonlyArray(yield* Stream.runCollect(Stream.take(list, limit + 1)))
    if (items.length <= limit) return items
    terminal.say(
      limit < most
        ? `Showing the ${which} ${limit}. There are more: use --limit.`
        : `Showing the ${which} ${limit}. There are more.`
    )
    return items.slice(0, limit)
  })
