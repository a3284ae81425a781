import { toolPorts } from "../../../stores/images/documents/portOfExposed.ts"

/** Ports of Knative's queue-proxy, which shares the pod's address. */
const taken = new Set([8008, 8012, 8013, 8022, 8112, 9090, 9091])

const common = [
  80, 3000, 5000, 8000, 8080, 8081, 8888, 5173, 4000, 4200, 1337, 9000, 443, 8443, 3001, 5001, 8001, 7000, 7860, 8501,
  8787, 1323, 1234, 2000, 2368, 2019, 3002, 3003, 3010, 3030, 3100, 3111, 3210, 3333, 3456, 4001, 4002, 4100, 4173,
  4280, 4310, 4321, 4444, 4500, 4567, 4848, 4873, 5002, 5050, 5100, 5174, 5200, 5500, 5555, 5556, 5601, 5678, 5800,
  5984, 6000, 6001, 6006, 6080, 6100, 6333, 6600, 6789, 7001, 7070, 7071, 7080, 7171, 7474, 7500, 7575, 7681, 7700,
  7777, 7878, 7890, 8002, 8003, 8004, 8005, 8006, 8007, 8009, 8010, 8011, 8014, 8015, 8020, 8025, 8030, 8040, 8042,
  8050, 8055, 8060, 8065, 8069, 8070, 8082, 8083, 8084, 8085, 8086, 8087, 8088, 8089, 8090, 8091, 8095, 8096, 8099,
  8100, 8111, 8123, 8125, 8153, 8161, 8180, 8181, 8188, 8200, 8222, 8265, 8280, 8282, 8300, 8333, 8384, 8400, 8428,
  8445, 8484, 8500, 8545, 8600, 8686, 8700, 8761, 8765, 8800, 8801, 8834, 8880, 8881, 8889, 8899, 8900, 8983, 8989,
  8999, 9001, 9002, 9005, 9010, 9080, 9081, 9092, 9093, 9095, 9099, 9117, 9191, 9200, 9292, 9300, 9393, 9411, 9443,
  9500, 9600, 9696, 9800, 9876, 9898, 9980, 9990, 9999, 10_000, 10_080, 11_434, 16_686, 18_080, 19_999, 25_565, 27_017,
  28_080, 30_000, 50_051, 55_555, 81, 82, 88, 8118, 591
]

const inLog =
  /(?:\bport\b|listen|\bserv|\bstart|\brunning\b|\bready\b|\bbound\b|https?:\/\/|\[?[\d.:*]+\]?:)\D{0,60}?(\d{2,5})\b/gi

const timeOfDay = /\b\d\d:\d\d:\d\d\b/g

/** Patterns scan on from each port, so long lines are cut. */
const lineLength = 1_000

/** Ports mentioned in a program's log, latest first: `listening on :3000`, `http://localhost:5173/`, `port 8000`. */
export const portsInLog = (lines: ReadonlyArray<string>): ReadonlyArray<number> => {
  const found = lines
    .map((line) => line.slice(0, lineLength).replace(timeOfDay, ""))
    .flatMap((line) => [
      ...[...line.matchAll(/:(\d{2,5})\b(?![:.]\d)/g)].map(([, port]) => Number(port)),
      ...[...line.matchAll(inLog)].map(([, port]) => Number(port))
    ])
  return [...new Set(found.reverse())]
    .filter((value) => value >= 10 && value <= 65_535 && !taken.has(value))
    .slice(0, 20)
}

/** Ports on which a program may listen instead of `declared`: first those in its log, then the usual ones. */
export const candidatePorts = (declared: number, lines: ReadonlyArray<string>): ReadonlyArray<number> =>
  [
    ...new Set([
      ...portsInLog(lines).filter((line) => !toolPorts.includes(line)),
      ...common.filter((value) => !taken.has(value))
    ])
  ].filter((value) => value !== declared)
