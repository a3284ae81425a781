import { assert, describe, it } from "@effect/vitest"
import { mayConnect } from "./publicAddress.ts"

const open = ["140.82.112.3", "8.8.8.8", "2606:50c0:8000::153", "2a01:4f8::1", "::ffff:8.8.8.8"]
const closed = [
  "127.0.0.1",
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "100.64.0.1",
  "0.0.0.0",
  "224.0.0.1",
  "255.255.255.255",
  "::1",
  "::",
  "fc00::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "64:ff9b::7f00:1",
  "2002:7f00:1::",
  "2001:0:7f00:1::"
]
const never = [
  "169.254.169.254",
  "fe80::1",
  "fd00:ec2::254",
  "100.100.100.200",
  "::ffff:169.254.169.254",
  "::ffff:a9fe:a9fe"
]

describe("mayConnect", () => {
  it("takes the public internet, and private networks only where that is meant", () => {
    for (const address of open) assert.isTrue(mayConnect(address, false), address)
    for (const address of [...closed, ...never]) assert.isFalse(mayConnect(address, false), address)
    for (const address of ["127.0.0.1", "10.1.2.3", "::1", "fc00::1"]) assert.isTrue(mayConnect(address, true), address)
  })

  it("never takes an address where a cloud tells credentials, nor what is no address", () => {
    for (const address of never) assert.isFalse(mayConnect(address, true), address)
    for (const written of ["", "localhost", "127.1", "0x7f000001"]) assert.isFalse(mayConnect(written, true), written)
  })
})
