import { HttpApiGroup } from "@effect/platform"
import { Authentication } from "../authentication.ts"
import { everyone, get } from "../endpoint.ts"
import { UsageParameters, UsageReport } from "../usage.ts"

export class UsageGroup extends HttpApiGroup.make("usage")
  .add(
    get("read", "/api/v1/usage", {
      summary: "Read usage",
      description:
        "What the organization's instances have reserved between `since` (24 hours ago where it is left out) and `until` (now), by app, stage and service.",
      client: "usage",
      roles: everyone,
      writes: false
    })
      .setUrlParams(UsageParameters)
      .addSuccess(UsageReport)
  )
  .middleware(Authentication) {}
