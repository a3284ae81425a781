import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Schema } from "effect"
import { Authentication } from "../authentication.ts"
import { everyone, get, open } from "../endpoint.ts"
import { wire } from "../errors.ts"
import { Feature } from "../features.ts"
import { OrganizationId } from "../ids.ts"
import { openEnum } from "../openEnum.ts"
import { Readiness } from "../readiness.ts"

export class HealthGroup extends HttpApiGroup.make("health", { topLevel: true })
  .add(
    get("healthz", "/healthz", {
      id: "getHealth",
      summary: "Health",
      description: "200 as soon as the server accepts requests, whatever else fails. Needs no credential.",
      client: "health",
      limit: "none",
      ...open
    }).addSuccess(Schema.Struct({ status: openEnum("ok") }).annotations({ identifier: "Health" }))
  )
  .add(
    get("readyz", "/readyz", {
      id: "getReadiness",
      summary: "Readiness",
      description:
        "503 with the failed checks if the server isn't fully ready, for example because its database is unreachable or its disk is full.",
      client: "readiness",
      limit: "none",
      ...open
    })
      .addSuccess(Readiness)
      .addError(wire.NotReady)
  ) {}

export class InfoGroup extends HttpApiGroup.make("info")
  .add(
    get("get", "/api/v1/info", {
      id: "getServerInfo",
      summary: "About this server",
      description:
        "Version, features, runtime, and the organization that the credential belongs to. Works for clients of any version.",
      client: "info",
      roles: everyone,
      writes: false,
      scope: { verb: "read", at: "organization" },
      unverified: true
    }).addSuccess(
      Schema.Struct({
        version: Schema.String,
        /** The oldest version of the commands and the SDK that the server supports. */
        minimumClient: Schema.String,
        /** Its optional features. */
        features: Schema.Array(openEnum(...Feature.literals)),
        /** `local`, `kubernetes`, or a runtime that only newer servers have. */
        runtime: Schema.String,
        organization: Schema.String,
        /** Its immutable id, as in the names of its images in the registry; null from an older server. */
        organizationId: Schema.optionalWith(Schema.NullOr(OrganizationId), { default: () => null }),
        /** Whether services can run in place from a folder (`maxcloud dev`). */
        inPlace: Schema.Boolean,
        /** The host of its own registry, such as `registry.example.com`; null if it has none. */
        registry: Schema.optionalWith(Schema.NullOr(Schema.String), { default: () => null }),
        /** The platforms of the nodes that run services, such as `linux/amd64`; empty if they're unknown. */
        platforms: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
        /** The store for the values of secrets; null if the server stores them. */
        secretStore: Schema.optionalWith(Schema.NullOr(Schema.String), { default: () => null })
      }).annotations({ identifier: "ServerInfo" })
    )
  )
  .middleware(Authentication) {}
