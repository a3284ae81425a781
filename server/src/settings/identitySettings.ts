import { BlockList, isIP } from "node:net"
import { Config, Schema } from "effect"
import { from, HttpUrl, optional, type Settings, Switch, Words } from "./setting.ts"

/** Who may call the server, and how people come to it. */
export interface IdentitySettings {
  /**
   * `local`: on loopback, the server's own user acts for the organization `local` without a credential. `required`: every request needs one.
   * undefined: `local` on a loopback address, else `required`.
   */
  readonly auth: "local" | "required" | undefined
  /** Where people and programs reach the API, without a slash at its end; links in mails begin with it. undefined: where the server listens. */
  readonly publicUrl: string | undefined
  /** May anybody register, or only who has an invite or the first start's link? undefined: `open` with `auth` `local`, else `invite`. */
  readonly registration: "open" | "invite" | undefined
  /** Addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: BlockList
  /** May other machines read `/metrics` where every request needs a credential? */
  readonly openMetrics: boolean
  /** May the issuer of a trusted OIDC token be at a private address? */
  readonly privateIssuers: boolean
  /** Days from the deletion of an organization to its erasure, where the request does not say. */
  readonly graceDays: number
}

const ranges = Schema.filter<typeof Words>((words) =>
  words.every((word) => {
    const [address = "", bits, ...rest] = word.split("/")
    const family = isIP(address)
    return family !== 0 && rest.length === 0 && (bits === undefined || isBits(bits, family === 4 ? 32 : 128))
  })
)
const isBits = (written: string, most: number) => /^\d{1,3}$/.test(written) && Number(written) <= most

const blockList = (words: ReadonlyArray<string>) => {
  const list = new BlockList()
  for (const word of words) {
    const [address = "", bits] = word.split("/")
    const family = isIP(address) === 4 ? "ipv4" : "ipv6"
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

const GraceDays = Schema.NumberFromString.pipe(Schema.int(), Schema.between(0, 90))

export const identitySettings: Settings<IdentitySettings> = {
  auth: {
    name: "MAXCLOUD_AUTH",
    config: optional(from("MAXCLOUD_AUTH", Schema.Literal("local", "required"), 'write "local" or "required"')),
    default: "local on a loopback address, else required",
    description:
      "`local`: the user who started the server acts for the organization `local` without a credential, other users of the machine are refused. `required`: every request needs a credential."
  },
  publicUrl: {
    name: "MAXCLOUD_PUBLIC_URL",
    config: optional(
      from("MAXCLOUD_PUBLIC_URL", HttpUrl, 'a URL is written as "https://cloud.example.com"').pipe(
        Config.map((_) => _.replace(/\/+$/, ""))
      )
    ),
    default: "where the server listens",
    description: "Where people reach the API: links in mails and on pages begin with it."
  },
  registration: {
    name: "MAXCLOUD_REGISTRATION",
    config: optional(from("MAXCLOUD_REGISTRATION", Schema.Literal("open", "invite"), 'write "open" or "invite"')),
    default: "open with `MAXCLOUD_AUTH=local`, else invite",
    description:
      "May anybody register with an organization of their own (`open`), or only who was invited, and the first owner by the link that the first start prints (`invite`)?"
  },
  trustedProxies: {
    name: "MAXCLOUD_TRUSTED_PROXIES",
    config: from(
      "MAXCLOUD_TRUSTED_PROXIES",
      Words.pipe(ranges),
      'write addresses or ranges with commas between them, such as "10.0.0.7,192.168.0.0/24"'
    ).pipe(Config.map(blockList), Config.withDefault(new BlockList())),
    default: "none",
    description: "Addresses of proxies in front of the server, whose `X-Forwarded-For` tells where a request is from."
  },
  openMetrics: {
    name: "MAXCLOUD_OPEN_METRICS",
    config: from("MAXCLOUD_OPEN_METRICS", Switch, 'write "true" or "false"').pipe(Config.withDefault(false)),
    default: "false",
    description: "May other machines than this one read `/metrics` where requests need a credential?"
  },
  privateIssuers: {
    name: "MAXCLOUD_OIDC_PRIVATE_ISSUERS",
    config: from("MAXCLOUD_OIDC_PRIVATE_ISSUERS", Switch, 'write "true" or "false"').pipe(Config.withDefault(false)),
    default: "false",
    description:
      "May a trusted OIDC issuer be at a private address, such as a GitLab of your own? Always with `MAXCLOUD_AUTH=local`."
  },
  graceDays: {
    name: "MAXCLOUD_DELETE_GRACE_DAYS",
    config: from("MAXCLOUD_DELETE_GRACE_DAYS", GraceDays, "days, from 0 to 90").pipe(Config.withDefault(30)),
    default: "30",
    description:
      "Days from the deletion of an organization to its erasure, in which an owner may still keep it, where the request does not say."
  }
}

export const identityConfig = Config.all({
  auth: identitySettings.auth.config,
  publicUrl: identitySettings.publicUrl.config,
  registration: identitySettings.registration.config,
  trustedProxies: identitySettings.trustedProxies.config,
  openMetrics: identitySettings.openMetrics.config,
  privateIssuers: identitySettings.privateIssuers.config,
  graceDays: identitySettings.graceDays.config
})
