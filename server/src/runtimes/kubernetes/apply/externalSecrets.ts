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
/** How long to wait for its event, which may come after its condition. */
const eventMillis = 3_000
const everyMillis = 100

/** The status of an ExternalSecret. Each reading of a store uses a new object, so no status is left over from an earlier reading. */
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
/** Providers' messages for a missing entry, and for a missing field of an entry (`NoSecretError`; Vault's). */
const absent = /^Secret does not exist$|^cannot find secret data for key: /

/** Why the operator couldn't read: the secret that doesn't exist, or else only that it failed. */
export const failureOf = (
  manifest: Manifest,
  said: string
): { readonly missing: string } | { readonly failed: string } => {
  const [, index = "", cause = ""] = ofData.exec(said) ?? []
  const spec = Option.getOrUndefined(decodeSpec(manifest["spec"]))
  const data = spec?.data[Number(index)]
  if (spec === undefined || data === undefined || !absent.test(cause)) return { failed: said }
  return {
    missing: `the secret "${data.secretKey}" has no value in the store "${spec.secretStoreRef.name}": there is nothing under the key ${textOfExternalKey({ key: data.remoteRef.key, ...(data.remoteRef.property === undefined ? {} : { property: data.remoteRef.property }) })}`
  }
}

const newest = (events: ReadonlyArray<EventObject>) => events.findLast((event) => event.reason === "UpdateFailed")

export interface WaitOptions {
  readonly api: Requests
  readonly cache: ClusterCache["Type"]
}

/** Waits until the operator has read what an ExternalSecret names, so that no revision begins without its values. */
export const makeAwaitExternalSecret = ({ api, cache }: WaitOptions) => {
  const readyOf = (place: Place) =>
    api.request({ method: "GET", path: pathOf(kinds.externalSecret, place.namespace, place.name) }).pipe(
      Effect.catchAll(runtimeErrorOf(api, namedOf(place))),
      Effect.flatMap((object) =>
        Effect.mapError(
          decodeRead(object),
          (cause) =>
            new RuntimeError({ reason: "unavailable", message: `${nameOf(namedOf(place))} cannot be read`, cause })
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
          message: `${name}: the External Secrets Operator has not looked at it in ${lookMillis / 1000} seconds: is it running?`
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
      yield* Effect.logWarning("the store of secrets cannot be read", failure.failed).pipe(
        Effect.annotateLogs({ externalSecret: `${place.namespace}/${place.name}` })
      )
      return yield* new RuntimeError({
        reason: "unavailable",
        message: `${name}: the store of secrets cannot be read at the moment; the server's log says why`
      })
    })
}
