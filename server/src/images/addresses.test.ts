import * as fc from "fast-check"
import { expect, it } from "vitest"
import { isAllowedAddress } from "./addresses.ts"

const metadata = [
  "169.254.169.254",
  "100.100.100.200",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%eth0",
  "::ffff:169.254.169.254"
]
const own = [
  "127.0.0.1",
  "127.9.9.9",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "100.64.0.1",
  "::1",
  "fd12::1"
]
const mapped = ["::ffff:10.0.0.1", "::ffff:a00:1", "::ffff:127.0.0.1"]
const never = ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::7f00:1", "64:ff9b::a00:1", "2002:a00:1::", "ff02::1"]
const open = ["1.1.1.1", "172.32.0.1", "11.0.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]

it("tenants reach the internet only, and the operator's registries a private network", () => {
  const all = [...metadata, ...own, ...mapped, ...never, ...open, "localhost", "0x7f.1", ""]
  expect(all.filter((_) => isAllowedAddress(_, "public"))).toEqual(open)
  expect(all.filter((_) => isAllowedAddress(_, "private"))).toEqual([...own, ...mapped, ...open])
})

it("an address is judged as it is, also when it is mapped into version 6", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.constantFrom("public" as const, "private" as const), (address, reach) => {
      expect(isAllowedAddress(`::ffff:${address}`, reach)).toBe(isAllowedAddress(address, reach))
    }),
    { numRuns: 1000 }
  )
})
