import type { Authorize } from "@maxcloud/oci"
import type { CallError } from "@maxcloud/sdk/effect"
import { Effect, Redacted } from "effect"
import type { Cloud } from "../client.ts"
import { exitCodeOf } from "../errors/exitCodes.ts"

/** Loaded by the command that needs it. */
type Oci = typeof import("@maxcloud/oci")

/** Keeps the API's own error, which `pushError` reports in place of this one. */
const ofApi = ({ OciError }: Oci, cause: CallError) =>
  new OciError({
    reason: exitCodeOf(cause._tag) === 3 ? "away" : "refused",
    message: "couldn't get a token for the registry",
    cause,
    ...(cause._tag === "TooManyRequests" || cause._tag === "Unavailable"
      ? { retryAfterMs: (cause.retryAfterSeconds ?? 0) * 1000 }
      : {})
  })

/**
 * Gets the registry's tokens from the API. The registry says in its challenge whom to ask, but the credential only ever goes
 * to the server that it belongs to.
 */
export const authorizePush =
  (oci: Oci, cloud: Cloud, host: string): Authorize =>
  (challenge, scopes) =>
    challenge.scheme === "bearer"
      ? cloud.registry
          .token({ ...(challenge.service === undefined ? {} : { service: challenge.service }), scope: scopes })
          .pipe(
            Effect.mapBoth({
              onSuccess: ({ expires_in, token }) => ({
                authorization: `Bearer ${Redacted.value(token)}`,
                validForMs: expires_in * 1000
              }),
              onFailure: (cause) => ofApi(oci, cause)
            })
          )
      : Effect.fail(
          new oci.OciError({
            reason: "refused",
            message: `the registry ${host} asks for a password instead of a token of this server`,
            fix: "its operator must set `auth.token`, as `maxcloud registry info` and docs/registry.md describe"
          })
        )
