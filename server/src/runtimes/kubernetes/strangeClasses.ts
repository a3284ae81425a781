import { Effect } from "effect"
import type { RuntimeClasses } from "../../base/settings/runtimeClasses.ts"
import { KnownOrganizations } from "../../tenancy/organizations/KnownOrganizations.ts"

/** Warns of organizations that have a runtime class and don't exist: whoever creates one with such a name gets its class. */
export const warnOfStrangeClasses = (classes: RuntimeClasses | undefined) =>
  Effect.gen(function* () {
    const known = yield* KnownOrganizations
    const strange = Object.keys(classes?.organizations ?? {}).filter((key) => !known.has(key) && !known.hasName(key))
    if (strange.length === 0) return
    yield* Effect.logWarning(
      `MAXCLOUD_RUNTIME_CLASS names organizations that don't exist: ${strange.join(", ")}. Take them out of the setting, and name others by their ids (\`maxcloud org show --json\`): whoever creates an organization with such a name gets its class`
    )
  })
