import { Module } from '@nestjs/common';
import { Admission } from './admission.service';

/** What one client may ask of a process, and all of them together. Needs the global `TelemetryModule`. */
@Module({ providers: [Admission], exports: [Admission] })
export class LimitsModule {}
