import { expect, it } from "@effect/vitest"
import { Effect, Logger, Stream } from "effect"
import { KnownOrganizations } from "../../tenancy/organizations/KnownOrganizations.ts"
import { warnOfStrangeClasses } from "./strangeClasses.ts"

const logged = (organizations: Readonly<Record<string, string>> | undefined) => {
  const lines: Array<unknown> = []
  return warnOfStrangeClasses(organizations === undefined ? undefined : { all: "gvisor", organizations }).pipe(
    Effect.provideService(KnownOrganizations, {
      has: (id) => id === "org_1",
      hasName: (name) => name === "acme",
      changes: Stream.empty
    }),
    Effect.provide(
      Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ message }) => void lines.push(String(message)))
      )
    ),
    Effect.as(lines)
  )
}

it.effect("organizations with a runtime class that don't exist are warned of", () =>
  Effect.gen(function* () {
    expect(yield* logged({ acme: "none", org_1: "none", gone: "none", org_2: "kata" })).toStrictEqual([
      expect.stringContaining("don't exist: gone, org_2. Take them out")
    ])
    expect(yield* logged({ acme: "none", org_1: "none" })).toStrictEqual([])
    expect(yield* logged(undefined)).toStrictEqual([])
  })
)
