import { diagnosisOf } from "@maxcloud/sdk/api"
import { type Manifest, textOfExternalKey } from "@maxcloud/synth"
import { Duration, Effect, Option, Schedule, Schema } from "effect"
import { within as spentWithin } from "../../../base/node/monotonic.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import { RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { type EventObject, KubeCondition } from "../cache/objects.ts"
import type { Requests } from "./binding.ts"
import { namedOf, type Place, type Target } from "./managed.ts"
import { nameOf, runtimeErrorOf } from "./refusal.ts"

/** How long to wait for the operator to read an ExternalSecret. */
const lookMillis = 10_000
/** How long to wait for its event, which may arrive after its condition. */
const eventMillis = 3_000
const everyMillis = 100

/** The status of an ExternalSecret. Each read of a store uses a new object, so no earlier status remains. */
const Read = Schema.Struct({
  status: Schema.optionalWith(
    Schema.Struct({ conditions: Schema.optionalWith(Schema.Array(KubeCondition), { default: () => [] }) }),
    { default: () => ({ conditions: [] }) }
  )
})
const decodeRead = Schema.decodeUnknown(Read)

const Spec = Schema.Struct({
  secretStoreRef: Schema.Struct({ name: Schema.String }),
  data: Schema.Array(
    Schema.Struct({
      secretKey: Schema.String,
      remoteRef: Schema.Struct({ key: Schema.String, property: Schema.optionalWith(Schema.String, { exact: true }) })
    })
  )
})
const decodeSpec = Schema.decodeUnknownOption(Spec)

/** `error processing spec.data[0] (key: acme/shop/production/A), err: …` (external-secrets, controllers/externalsecret). */
const ofData = /spec\.data\[(\d+)\] \(key: .*?\), err: ([\s\S]*)$/
/** Providers' messages about a missing entry, and about an entry's missing field (`NoSecretError`; Vault's). */
const absent = /^Secret does not exist$|^cannot find secret data for key: /

/** Why the operator's read failed: a missing secret, or else just its message. */
export const failureOf = (
  manifest: Manifest,
  said: string
): { readonly missing: string } | { readonly failed: string } => {
  const [, index = "", cause = ""] = ofData.exec(said) ?? []
  const spec = Option.getOrUndefined(decodeSpec(manifest["spec"]))
  const data = spec?.data[Number(index)]
  if (spec === undefined || data === undefined || !absent.test(cause)) return { failed: said }
  return {
    missing: `The secret "${data.secretKey}" has no value in the store "${spec.secretStoreRef.name}". Nothing is stored under the key ${textOfExternalKey({ key: data.remoteRef.key, ...(data.remoteRef.property === undefined ? {} : { property: data.remoteRef.property }) })}`
  }
}

const newest = (events: ReadonlyArray<EventObject>) => events.findLast((event) => event.reason === "UpdateFailed")

export interface WaitOptions {
  readonly api: Requests
  readonly cache: ClusterCache["Type"]
}

/** Waits until the operator has read an ExternalSecret's values, so that no revision starts without them. */
export const makeAwaitExternalSecret = ({ api, cache }: WaitOptions) => {
  const readyOf = (place: Place) =>
    api.request({ method: "GET", path: pathOf(kinds.externalSecret, place.namespace, place.name) }).pipe(
      Effect.catchAll(runtimeErrorOf(api, namedOf(place))),
      Effect.flatMap((object) =>
        Effect.mapError(
          decodeRead(object),
          (cause) =>
            new RuntimeError({ reason: "unavailable", message: `${nameOf(namedOf(place))} is unreadable`, cause })
        )
      ),
      Effect.map(({ status }) => status.conditions.find((condition) => condition.type === "Ready"))
    )

  const within = (millis: number) => Schedule.spaced(Duration.millis(everyMillis)).pipe(spentWithin(millis))

  const untilRead = (place: Place) =>
    Effect.repeat(readyOf(place), {
      schedule: Schedule.intersect(within(lookMillis), Schedule.forever),
      until: (each) => each !== undefined && each.status !== "Unknown"
    }).pipe(Effect.zipRight(readyOf(place)))

  const untilSaid = (place: Place) => {
    const look = Effect.sync(() =>
      newest(cache.eventsOf(place.namespace, { kind: "ExternalSecret", name: place.name }))
    )
    return Effect.zipRight(
      Effect.repeat(look, { schedule: within(eventMillis), until: (value) => value !== undefined }),
      look
    )
  }

  return ({ manifest, place }: Target): Effect.Effect<void, RuntimeError> =>
    Effect.gen(function* () {
      const ready = yield* untilRead(place)
      if (ready?.status === "True") return
      const name = nameOf(namedOf(place))
      if (ready === undefined) {
        return yield* new RuntimeError({
          reason: "unavailable",
          message: `${name}: the External Secrets Operator hasn't processed it in ${lookMillis / 1000} seconds. Check that it is running.`
        })
      }
      const said = (yield* untilSaid(place))?.message ?? ready.message
      const failure = failureOf(manifest, said)
      if ("missing" in failure) {
        const fix = "Set it there, and deploy again."
        const diagnosis = diagnosisOf("SecretMissing", failure.missing, [said], fix)
        return yield* new RuntimeError({ reason: "refused", message: failure.missing, diagnosis })
      }
      // The message may contain the store's address and rights, which don't concern an organization.
      yield* Effect.logWarning("Couldn't read the secret store", failure.failed).pipe(
        Effect.annotateLogs({ externalSecret: `${place.namespace}/${place.name}` })
      )
      return yield* new RuntimeError({
        reason: "unavailable",
        message: `${name}: the secret store is unavailable. The server's log has the cause`
      })
    })
}
