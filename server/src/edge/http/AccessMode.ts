import type { BlockList } from "node:net"
import { Context } from "effect"
import type { Organization } from "../../base/words/Organization.ts"
import type { StreamLimits } from "../../tenancy/limits/OpenStreams.ts"
import type { LocalOwner } from "../local/LocalOwner.ts"
import type { Pace } from "./pace.ts"

/** The rules for who may call at all. */
export class AccessMode extends Context.Tag("@maxcloud/server/AccessMode")<
  AccessMode,
  {
    /** Local mode: what the server's own user acts for without a credential. undefined: every request needs one. */
    readonly local: { readonly organization: Organization; readonly owner: LocalOwner } | undefined
    /** Must addresses be confirmed before their accounts may do anything? Where mail goes to the server's log, nothing would be proven. */
    readonly verifiedOnly: boolean
    /** The API's URL for people, without a slash at its end. */
    readonly publicUrl: string
    readonly trustedProxies: BlockList
    readonly openMetrics: boolean
    /** Requests a minute for each credential. */
    readonly requestsPerMinute: number
    /** Answers that go on, open at once. */
    readonly streams: StreamLimits
    /** The slowest pace at which a caller may send and read. */
    readonly pace: Pace
  }
>() {}
