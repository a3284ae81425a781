import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { SourceDigest } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Authentication } from "../authentication.ts"
import { deployers, deploys, get, put } from "../endpoint.ts"
import { wire } from "../errors.ts"

const digestPath = Schema.Struct({ digest: SourceDigest })

export class SourcesGroup extends HttpApiGroup.make("sources")
  .add(
    get("get", "/:digest", {
      id: "getSource",
      summary: "Find a source snapshot",
      description: "Checks whether the organization has already uploaded it.",
      client: "deploy",
      roles: deployers,
      writes: false,
      scope: { verb: "deploy", at: "organization" }
    })
      .setPath(digestPath)
      .addSuccess(Schema.Struct({ digest: SourceDigest, bytes: Schema.Int }).annotations({ identifier: "SourceInfo" }))
      .addError(wire.NotFound)
  )
  .add(
    put("put", "/:digest", {
      id: "uploadSource",
      summary: "Upload a source snapshot",
      description: "The body is a gzipped tar of up to 256 MiB. Its content must have this digest.",
      client: "deploy",
      content: "application/gzip",
      ...deploys("organization")
    })
      .setPath(digestPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(wire.QuotaExceeded)
      .addError(wire.PayloadTooLarge)
      .addError(wire.InsufficientStorage)
  )
  .middleware(Authentication)
  .prefix("/api/v1/sources") {}
