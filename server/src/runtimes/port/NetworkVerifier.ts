import type { AppName, StageName } from "@maxcloud/config-schema"
import type { InvalidSpec, NetworkReport, NotFound, Unavailable } from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
import type { Organization } from "../../base/words/Organization.ts"

/** Probes from real pods what the network allows, compared with the config. */
export class NetworkVerifier extends Context.Tag("@maxcloud/server/NetworkVerifier")<
  NetworkVerifier,
  {
    /** `InvalidSpec` if the runtime has no network to verify (local). */
    readonly verify: (
      organization: Organization,
      app: AppName,
      stage: StageName
    ) => Effect.Effect<NetworkReport, NotFound | InvalidSpec | Unavailable>
  }
>() {}
