import { BlockList, isIP } from "node:net"
import { Schema } from "effect"
import { baseUrl, form, oneOf, onOff, Words, whole } from "./forms.ts"
import { optional, setting } from "./setting.ts"

const isBits = (written: string, most: number) => /^\d{1,3}$/.test(written) && Number(written) <= most

const isRange = (word: string) => {
  const [address = "", bits, ...rest] = word.split("/")
  const family = isIP(address)
  return family !== 0 && rest.length === 0 && (bits === undefined || isBits(bits, family === 4 ? 32 : 128))
}

const blockListOf = (words: ReadonlyArray<string>) => {
  const list = new BlockList()
  for (const word of words) {
    const [address = "", bits] = word.split("/")
    const family = isIP(address) === 4 ? "ipv4" : "ipv6"
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

const addresses = form(
  Schema.transform(Words.pipe(Schema.filter((words) => words.every(isRange))), Schema.instanceOf(BlockList), {
    strict: true,
    decode: blockListOf,
    encode: (list) => list.rules
  }),
  'write addresses or ranges with commas between them, such as "10.0.0.7,192.168.0.0/24"'
)

/** Settings for callers and registration. */
export const identitySettings = {
  auth: optional("MAXCLOUD_AUTH", oneOf("local", "required"), {
    unset: "local on a loopback address, else required",
    text: "`local`: the user who started the server acts for the organization `local` without a credential, and other users of the machine are rejected. `required`: every request needs a credential."
  }),
  /** Without a trailing slash. */
  publicUrl: optional("MAXCLOUD_PUBLIC_URL", baseUrl("https://cloud.example.com"), {
    unset: "where the server listens",
    text: "Public URL of the API, used in links in mails and on pages."
  }),
  registration: optional("MAXCLOUD_REGISTRATION", oneOf("open", "invite"), {
    unset: "open with `MAXCLOUD_AUTH=local`, else invite",
    text: "Whether anybody may register with an organization of their own (`open`), or only invited people, and the first owner with the link that the first start prints (`invite`)."
  }),
  trustedProxies: setting("MAXCLOUD_TRUSTED_PROXIES", addresses, {
    default: "",
    shown: "none",
    text: "Addresses of proxies in front of the server, whose `X-Forwarded-For` header shows a request's origin."
  }),
  openMetrics: setting("MAXCLOUD_OPEN_METRICS", onOff, {
    default: "false",
    text: "Whether other machines may read `/metrics` if requests need a credential."
  }),
  privateIssuers: setting("MAXCLOUD_OIDC_PRIVATE_ISSUERS", onOff, {
    default: "false",
    text: "Whether a trusted OIDC issuer may be at a private address, such as your own GitLab. Always allowed with `MAXCLOUD_AUTH=local`."
  }),
  graceDays: setting("MAXCLOUD_DELETE_GRACE_DAYS", whole(0, 90, "days, from 0 to 90"), {
    default: "30",
    text: "Default grace period, in days, before a deleted organization is erased. An owner can cancel the deletion until then."
  })
}
