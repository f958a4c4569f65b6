// Reads a trace, as `extensions.ftv1` has it, by Apollo's own definition, and prints it as JSON.
//
//     node trace.mjs BASE64

import { Trace } from '@apollo/usage-reporting-protobuf';

const trace = Trace.decode(Buffer.from(process.argv[2], 'base64'));
if (Trace.verify(trace)) throw new Error(Trace.verify(trace));
process.stdout.write(JSON.stringify(Trace.toObject(trace)));
