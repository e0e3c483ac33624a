// @module-tag redis-server
import { testPointsOfFailure } from './points/failure.cases';
import { furtherSteps } from './points/steps';

testPointsOfFailure(furtherSteps);
