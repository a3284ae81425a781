import { BlockList } from "node:net"
import { Headers } from "@effect/platform"
import { expect, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import { clientAddress } from "./clientAddress.ts"

const proxies = new BlockList()
proxies.addSubnet("10.0.0.0", 8, "ipv4")

const from = (peer: string, forwarded?: string, trusted = proxies) =>
  clientAddress(
    {
      remoteAddress: Option.some(peer),
      headers: Headers.fromInput(forwarded === undefined ? {} : { "x-forwarded-for": forwarded })
    },
    trusted
  )

it("trusts X-Forwarded-For only from trusted proxies, and takes the last address that isn't theirs", () => {
  expect(from("203.0.113.9", "1.2.3.4")).toBe("203.0.113.9")
  expect(from("::ffff:203.0.113.9")).toBe("203.0.113.9")
  expect(from("10.0.0.1", "1.2.3.4")).toBe("1.2.3.4")
  expect(from("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.9.9.9")).toBe("1.2.3.4")
  expect(from("10.0.0.1", "10.0.0.2")).toBe("10.0.0.2")
  expect(from("10.0.0.1")).toBe("10.0.0.1")
  expect(from("10.0.0.1", "1.2.3.4, nonsense")).toBe("10.0.0.1")
  expect(from("10.0.0.1", "2001:db8::1")).toBe("2001:db8::1")
})

it("never uses entries that the client wrote before the proxy's", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.ipV4().filter((text) => !text.startsWith("10.")),
      (written, real) => {
        expect(from("10.0.0.1", `${written}, ${real}`)).toBe(real)
      }
    )
  )
})
