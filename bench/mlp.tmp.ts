import { tf, softmaxCrossEntropy, sgdUpdate, selectDevice, relu, type Tensor } from '@engine/tensor';
import '@engine/backend-wasm';
await selectDevice(process.argv[2] ?? 'wasm');
const V=(s:number[],sd:number,seed:number)=>tf.variable(tf.randomNormal(s,0,sd,'float32',seed));
const vars=[V([784,256],0.05,1),V([256],0,2),V([256,10],0.05,3),V([10],0,4)];
const bufs=vars.map(v=>tf.variable(tf.zerosLike(v)));
const x=tf.randomNormal([64,784],0,1,'float32',5), y=tf.tensor(Array.from({length:64},(_,i)=>i%10),[64],'int32');
const prof=process.argv[3]==='prof'; const times:Record<string,[number,number]>={};
if(prof){ for(const k of tf.getKernelsForBackend('wasm')){ const f=k.kernelFunc; (k as any).kernelFunc=(a:any)=>{const t=performance.now(); const r=f(a); const e=times[k.kernelName]??=[0,0]; e[0]+=performance.now()-t; e[1]++; return r;}; } }
let first=true; const step=()=>{ tf.tidy(()=>{ const {value,grads}=tf.variableGrads(()=>softmaxCrossEntropy(tf.add(tf.matMul(relu(tf.add(tf.matMul(x as any,vars[0] as any),vars[1]!)),vars[2] as any),vars[3]!),y) as tf.Scalar,vars); sgdUpdate({params:vars,grads:vars.map(v=>grads[v.name]!),momentumBuffers:bufs,lr:0.02,momentum:0.9,first}); first=false; }); };
for(let i=0;i<300;i++) step(); for(const k in times) delete times[k];
let best=1e9; for(let r=0;r<8;r++){ const t=performance.now(); for(let i=0;i<100;i++) step(); best=Math.min(best,(performance.now()-t)/100);} console.log('MLP ms/step',best.toFixed(3),'steps/s',(1000/best).toFixed(0));
if(prof) console.table(Object.fromEntries(Object.entries(times).sort((a,b)=>b[1][0]-a[1][0]).map(([k,[t,n]])=>[k,{us:(t/800*1000).toFixed(1),n:n/800}])));
