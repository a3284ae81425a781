import { describe, expect, it } from "@effect/vitest"
import { Effect, LogLevel } from "effect"
import { layerTo, type ServerLogLine } from "./logging.ts"

describe("layerTo", () => {
  it.effect("passes on each line from the level up, with its annotations and its cause", () => {
    const lines: Array<ServerLogLine> = []
    return Effect.gen(function* () {
      yield* Effect.logInfo("too little")
      yield* Effect.logWarning("The disk is", "full").pipe(Effect.annotateLogs("organization", "acme"))
      yield* Effect.logError("It failed.", new Error("why"))
      expect(lines.map(({ level, message }) => `${level} ${message.split("\n")[0]}`)).toStrictEqual([
        "WARN The disk is full",
        "ERROR It failed. Error: why"
      ])
      expect(lines[0]?.annotations).toMatchObject({ organization: "acme" })
      expect(lines[0]?.at ?? "").toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
    }).pipe(Effect.provide(layerTo((line) => void lines.push(line), LogLevel.Warning)))
  })

  it.effect("loses the line, and nothing else, if the function throws", () =>
    Effect.logError("lost").pipe(
      Effect.as("goes on"),
      Effect.provide(
        layerTo(() => {
          throw new Error("no")
        }, LogLevel.Info)
      ),
      Effect.map((said) => expect(said).toBe("goes on"))
    )
  )
})
