import { tf, conv2d, batchNormTrain, addRelu, softmaxCrossEntropy, sgdUpdate, selectDevice, markConstant, type Tensor } from '@engine/tensor';
import '@engine/backend-wasm';
await selectDevice(process.argv[2] ?? 'wasm');
const B=64; let seed=1;
const vars: tf.Variable[]=[]; const V=(t:Tensor)=>{const v=tf.variable(t); vars.push(v); return v;};
const C=(k:number,i:number,o:number)=>V(tf.randomNormal([k,k,i,o],0,Math.sqrt(2/(k*k*i)),'float32',seed++));
const BN=(c:number)=>({g:V(tf.ones([c])),b:V(tf.zeros([c]))});
type Blk={c1:tf.Variable,n1:any,c2:tf.Variable,n2:any,d?:tf.Variable,nd?:any,s:number};
const stem=C(3,3,16), n0=BN(16); const blocks:Blk[]=[]; let c=16;
for (const [w,s0] of [[16,1],[32,2],[64,2]] as const) for(let i=0;i<3;i++){const s=i===0?s0:1; const b:Blk={c1:C(3,c,w),n1:BN(w),c2:C(3,w,w),n2:BN(w),s}; if(s!==1||c!==w){b.d=C(1,c,w);b.nd=BN(w);} blocks.push(b); c=w;}
const W=V(tf.randomNormal([64,10],0,0.1,'float32',9)), bb=V(tf.zeros([10]));
const bufs=vars.map(v=>tf.variable(tf.zerosLike(v)));
const P=[1,1,1,1] as any;
const bn=(x:Tensor,n:any,relu:boolean)=>batchNormTrain(x,n.g,n.b,{relu}).y;
function model(x:Tensor){ let h=bn(conv2d(x,stem,{pads:P}),n0,true);
 for(const b of blocks){ const id=b.d? bn(conv2d(h,b.d,{strides:[b.s,b.s]}),b.nd,false):h; let y=bn(conv2d(h,b.c1,{pads:P,strides:[b.s,b.s]}),b.n1,true); y=bn(conv2d(y,b.c2,{pads:P}),b.n2,false); h=addRelu(y,id);} 
 return tf.add(tf.matMul(tf.mean(h,[1,2]) as any,W as any),bb); }
const x=markConstant?tf.randomNormal([B,32,32,3],0,1,'float32',77):tf.zeros([1]); markConstant?.(x as any);
const y=tf.tensor(Array.from({length:B},(_,i)=>i%10),[B],'int32');
const prof=process.argv[3]==='prof'; const times:Record<string,[number,number]>={};
if(prof){ for(const k of tf.getKernelsForBackend('wasm')){ const f=k.kernelFunc; (k as any).kernelFunc=(a:any)=>{const t=performance.now(); const r=f(a); const e=times[k.kernelName]??=[0,0]; e[0]+=performance.now()-t; e[1]++; return r;}; } }
let first=true; let best=1e9; const N=Number(process.argv[4]??12); const all:number[]=[];
for(let i=0;i<N;i++){ if(i===3) for(const k in times) delete times[k]; const c0=process.cpuUsage(); const t=performance.now();
 const loss=tf.tidy(()=>{ const {value,grads}=tf.variableGrads(()=>softmaxCrossEntropy(model(x),y) as tf.Scalar,vars); sgdUpdate({params:vars,grads:vars.map(v=>grads[v.name]!),momentumBuffers:bufs,lr:0.02,momentum:0.9,weightDecay:5e-4,first}); return value; });
 first=false; const l=loss.dataSync()[0]; loss.dispose(); const dt=performance.now()-t; const u=process.cpuUsage(c0); all.push(dt); best=Math.min(best,dt); console.log(i,l!.toFixed(5),dt.toFixed(0)+'ms','cpu',((u.user+u.system)/1000).toFixed(0),tf.memory().numTensors); }
console.log('best',best.toFixed(0),'median',all.sort((a,b)=>a-b)[N>>1]!.toFixed(0));
if(prof) console.table(Object.fromEntries(Object.entries(times).sort((a,b)=>b[1][0]-a[1][0]).map(([k,[t,n]])=>[k,{ms:(t/(N-3)).toFixed(2),n:n/(N-3)}])));
