import { expect, it } from "@effect/vitest"
import { exposedPorts, portOfExposed, portsOfExposed } from "./portOfExposed.ts"

it("lists the ports where an image may answer HTTP, the likeliest first, and 8080 if nothing is exposed", () => {
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<number>]> = [
    [["80/tcp"], [80]],
    [["3000"], [3000]],
    [["443/udp", "5000/tcp"], [5000]],
    [["80/tcp", "443/tcp"], [80]],
    [
      ["80/tcp", "443/tcp", "2019/tcp"],
      [80, 2019]
    ],
    [
      ["80/tcp", "8080/tcp"],
      [8080, 80]
    ],
    [
      ["1883/tcp", "9001/tcp"],
      [1883, 9001]
    ],
    // A Node image with its debugger, and Portainer.
    [["3000/tcp", "9229/tcp"], [3000]],
    [["9000/tcp", "8443/tcp", "443/tcp"], [9000]],
    [
      ["9229/tcp", "443/tcp"],
      [443, 9229]
    ],
    [
      ["8080/tcp", "9000-9002/tcp", "9001-9003", "5000-5001/udp", "7-6/tcp"],
      [8080, 9000, 9001, 9002, 9003]
    ],
    [["0/tcp", "70000/tcp", "3000/tcp"], [3000]],
    [[], []]
  ]
  for (const [exposed, ports] of cases) expect([exposed, portsOfExposed(exposed)]).toEqual([exposed, ports])
  expect([portOfExposed([]), portOfExposed(["9229/tcp", "3000/tcp"])]).toEqual([8080, 3000])
  expect(portsOfExposed(Array.from({ length: 60_000 }, (_, index) => `${index + 1}/tcp`))).toHaveLength(8)
})

it("lists all exposed TCP ports, up to 32, also those of debuggers and TLS", () => {
  expect(exposedPorts(["8080/tcp", "9229/tcp", "443/tcp", "53/udp", "9000-9003/tcp"])).toEqual([
    443, 8080, 9000, 9001, 9002, 9003, 9229
  ])
  expect(exposedPorts([])).toEqual([])
  // An image of somebody who means no good: overlapping ranges cost nothing more.
  expect(exposedPorts(Array.from({ length: 60_000 }, (_, index) => `${index}-65535/tcp`))).toEqual(
    Array.from({ length: 32 }, (_, index) => index + 1)
  )
})
