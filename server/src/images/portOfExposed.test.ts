import { expect, it } from "vitest"
import { portOfExposed } from "./portOfExposed.ts"

it("takes the only TCP port, of several 8080 or else 80, and 8080 where nothing is said", () => {
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number]> = [
    [["80/tcp"], 80],
    [["3000"], 3000],
    [["443/udp", "5000/tcp"], 5000],
    [["80/tcp", "443/tcp", "2019/tcp"], 80],
    [["80/tcp", "8080/tcp"], 8080],
    [["1883/tcp", "9001/tcp"], 8080],
    [["0/tcp", "70000/tcp", "3000/tcp"], 3000],
    [[], 8080]
  ]
  for (const [exposed, port] of cases) expect([exposed, portOfExposed(exposed)]).toEqual([exposed, port])
})
